import EventLoop
import HTTPServer
import JobStore

/// Answers that wait for the store.
extension API {
  /// Answers from a task.
  func later(_ call: Call, _ body: @escaping @LoopActor () async throws -> HTTPResponse) {
    Task(executorPreference: LoopTasks.executor) { await self.answer(call, body) }
  }

  private func answer(_ call: Call, _ body: @LoopActor () async throws -> HTTPResponse) async {
    let response: HTTPResponse
    do {
      response = try await body()
    } catch let error as APIError {
      count(error)
      response = error.problem.response
    } catch let error as StoreError {
      log.error("a request failed at the store", metadata: ["error": "\(error)"])
      response = APIError.storeAway(error).problem.response
    } catch {
      log.error("a request failed", metadata: ["error": "\(error)"])
      response = Problem(500, "the server failed at this request; the reason is in its log").response
    }
    send(call, response)
  }
}
