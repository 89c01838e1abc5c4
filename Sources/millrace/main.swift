import Millrace

MillraceServer.main()
