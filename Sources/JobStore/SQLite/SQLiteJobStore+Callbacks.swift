import JobModel

extension SQLiteJobStore {
  public func claimCallbacks(_ request: CallbackClaimRequest) async throws(StoreError) -> CallbackClaims {
    try await writer.write("claim callbacks") { (session) throws(SQLiteFailure) in
      try session.claimCallbacks(request)
    }
  }

  public func recordCallback(_ claim: CallbackClaim, _ delivery: CallbackDelivery) async throws(StoreError) -> Bool {
    try await writer.write("record callback") { (session) throws(SQLiteFailure) in
      try session.recordCallback(claim, delivery)
    }
  }

  public func nextCallbackDue() async throws(StoreError) -> Timestamp? {
    try await lookups.read("next callback") { (session) throws(SQLiteFailure) in try session.nextCallbackDue() }
  }
}
