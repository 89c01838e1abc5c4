import JobModel
import JobStore
import Testing

@Suite("Store exam: tokens")
struct ExamOfTokens {
  private func token(
    _ scopes: Set<TokenScope> = [.read], at microseconds: Int64 = 1, name: String? = nil
  ) -> AccessToken {
    AccessToken(
      hash: TokenSecret().hash, scopes: scopes, name: name, createdAt: Timestamp(microseconds: microseconds),
      expiresAt: name.map { _ in Timestamp(microseconds: microseconds + 5) })
  }

  @Test("a token is kept as it was made, until it is revoked", arguments: StoreUnderTest.all)
  func life(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      #expect(try await store.tokens() == [])
      let made = [token([.submit, .read]), token([.operate], at: 2, name: "the \u{0} nightly run"), token([], at: 3)]
      for token in made { try await store.addToken(token) }
      #expect(try await store.tokens() == made)
      #expect(try await store.revokeToken(id: made[1].id))
      #expect(try await !store.revokeToken(id: made[1].id))
      #expect(try await !store.revokeToken(id: ""))
      #expect(try await store.tokens() == [made[0], made[2]])
    }
  }

  @Test("every change, and nothing else, gives another generation", arguments: StoreUnderTest.all)
  func generations(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let token = token()
      var seen = [try await store.tokenGeneration()]
      try await store.addToken(token)
      seen.append(try await store.tokenGeneration())
      await #expect(throws: StoreError.self) { try await store.addToken(token) }
      _ = try await store.revokeToken(id: "nobody")
      try await store.submit(TestJobs(store).queued())
      #expect(try await store.tokenGeneration() == seen[1])
      _ = try await store.revokeToken(id: token.id)
      seen.append(try await store.tokenGeneration())
      #expect(Set(seen).count == 3)
    }
  }

  @Test("a change is seen by every other process", arguments: StoreUnderTest.all)
  func otherProcesses(_ kind: StoreUnderTest) async throws {
    let place = try kind.makePlace()
    defer { place.remove() }
    let (one, other) = (try place.open(), try place.open())
    let token = token()
    let before = try await other.tokenGeneration()
    try await one.addToken(token)
    #expect(try await other.tokens() == [token])
    #expect(try await other.tokenGeneration() != before)
    await one.close()
    await other.close()
  }

  @Test("secrets have 256 random bits, and the hash of one is its SHA-256")
  func secrets() {
    let secrets = (0..<100).map { _ in TokenSecret() }
    #expect(Set(secrets.map(\.text)).count == 100)
    for secret in secrets { #expect(secret.text.utf8.count == 47 && secret.text.hasPrefix("mrt_")) }
    #expect(TokenSecret.hash(of: secrets[0].text.utf8) == secrets[0].hash)
    #expect(secrets[0].hash != secrets[1].hash)
    // FIPS 180-4's example "abc".
    let digest = TokenSecret.hash(of: Array("abc".utf8))
    #expect(digest.id == "ba7816bf8f01")
    #expect(digest.bytes.prefix(4) == [0xba, 0x78, 0x16, 0xbf] && digest.bytes.last == 0xad)
    #expect(TokenHash(digest.bytes) == digest && TokenHash([1, 2]) == nil)
  }
}
