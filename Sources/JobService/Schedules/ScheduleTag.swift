import EventLoop
import HTTPServer
import JobModel
import JobStore

/// A schedule's version as its entity tag, and the conditions that name it (RFC 9110, section 13.1).
@LoopActor
enum ScheduleTag {
  static func text(_ schedule: Schedule) -> String {
    "\"\(schedule.createdAt.microseconds)-\(schedule.revision)\""
  }

  /// - Throws: 400 where both conditions are given: one of them says all.
  static func condition(_ head: HTTPRequestHead) throws(APIError) -> ScheduleCondition {
    switch (head.header("If-Match"), head.header("If-None-Match")) {
    case (nil, nil): return .none
    case (let match?, nil): return match.trimmed == "*" ? .mustExist : .mustBe(versions(match))
    case (nil, let noneMatch?):
      return noneMatch.trimmed == "*" ? .mustNotExist : .mustNotBe(versions(noneMatch))
    case (_?, _?): throw .badRequest("If-Match and If-None-Match cannot be given together")
    }
  }

  /// A tag that is none of ours matches nothing; nor does a weak one, because the comparison is strong.
  private static func versions(_ tags: String) -> [ScheduleVersion] {
    tags.split(separator: ",").compactMap { tag in
      let tag = tag.trimmed
      guard tag.count > 2, tag.hasPrefix("\""), tag.hasSuffix("\"") else { return nil }
      let numbers = tag.dropFirst().dropLast().split(separator: "-").map { Int64($0) }
      guard numbers.count == 2, let createdAt = numbers[0], let revision = numbers[1] else { return nil }
      return ScheduleVersion(createdAt: Timestamp(microseconds: createdAt), revision: Int(revision))
    }
  }
}
