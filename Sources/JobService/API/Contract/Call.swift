import EventLoop
import HTTPServer
import JobModel

/// A request that was found to be for an operation, with its path and its query read as declared.
@LoopActor
struct Call {
  /// What the path names beside the resource.
  enum Target: Sendable, Equatable {
    case none
    case job(JobID)
    case name(String)

    var name: String {
      guard case .name(let name) = self else { preconditionFailure("this resource's template has no name") }
      return name
    }
  }

  let exchange: HTTPExchange
  /// For counting: an index in ``Contract/resources``.
  let resource: Int
  let operation: Operation
  let target: Target
  /// Of the declared names only, each once, and as their forms say.
  let query: QueryParameters

  var head: HTTPRequestHead { exchange.head }

  var id: JobID {
    guard case .job(let id) = target else { preconditionFailure("this resource's template has no job's id") }
    return id
  }

  var name: String { target.name }

  /// How long the client wants to wait, where the operation declares it.
  var wait: WaitRequest? { WaitRequest.read(query: integer("wait"), prefer: head.header("Prefer")) }

  /// The value of a parameter whose form is ``QueryParameter/Form/integer(_:)``.
  func integer(_ name: String) -> Int? { query[name].flatMap { Int($0) } }
}
