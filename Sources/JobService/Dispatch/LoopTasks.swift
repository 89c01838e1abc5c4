import EventLoop

/// Where tasks of the loop go on after a wait.
///
/// What resumes a continuation hands its task to the cooperative pool, from where the task's next step hands it to the
/// actor's executor: two threads woken for each answer of the store. A task with this preference (SE-0417) goes straight to
/// the loop.
///
/// Whatever such a task calls that belongs to no actor runs on the loop too: tasks that compute or block are not for it.
final class LoopTasks: TaskExecutor {
  static let executor = LoopTasks()

  func enqueue(_ job: consuming ExecutorJob) { EpollLoop.shared.enqueue(job) }
}
