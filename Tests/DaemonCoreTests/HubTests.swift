import NIOCore
import QuipuModel
import QuipuProtocol
import Testing

@testable import DaemonCore

/// Subscriptions: who hears what, and what becomes of those who do not listen.
@Suite struct HubTests {
    private static func lines(_ outbox: Outbox) async throws -> [JSON] {
        try await outbox.next().map { try JSON.parse($0.readableBytesView.dropLast()) }
    }

    @Test func onlySubscribersOfATopicHearOfIt() async throws {
        let hub = Hub()
        let (one, two) = (Outbox(), Outbox())
        _ = hub.subscribe(SubscribeRequest(topics: [.events], filters: []), outbox: one)
        let id = hub.subscribe(SubscribeRequest(topics: [.stats], filters: []), outbox: two)
        hub.publish(.events, [["n": 1]])
        hub.publish(.stats, [["n": 2]])
        #expect(try await Self.lines(one).first?["params"]?["data"]?["n"] == 1)
        #expect(try await Self.lines(two).first?["params"]?["data"]?["n"] == 2)
        #expect(hub.unsubscribe(id))
        #expect(!hub.unsubscribe(id))
        #expect(!hub.hasSubscribers(.stats))
    }

    @Test func aSlowReaderIsToldHowManyItMissed() async throws {
        let hub = Hub()
        let outbox = Outbox()
        _ = hub.subscribe(SubscribeRequest(topics: [.events], filters: []), outbox: outbox)
        let large: JSON = .string(String(repeating: "x", count: Limits.slowReaderBytesMax / 4))
        hub.publish(.events, Array(repeating: large, count: 6))
        let taken = await outbox.next()
        #expect(taken.count == 3)
        for line in taken { outbox.written(bytes: line.readableBytes) }
        hub.publish(.events, [1])
        let next = try await Self.lines(outbox).first?["params"]
        #expect(next?["missed"] == 3)
        #expect(next?["seq"] == 7)
    }

    @Test func closingWakesWhoWaits() async {
        let outbox = Outbox()
        async let lines = outbox.next()
        outbox.close()
        #expect(await lines.isEmpty)
    }
}
