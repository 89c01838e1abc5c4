/// What `--version` and `GET /v1` say.
public enum MillraceVersion {
  public static let text = "0.1.0"
}
