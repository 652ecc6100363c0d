import Foundation
import QuipuModel
import Testing

@testable import QuipuStore

/// What a store knows of its file and its disk.
@Suite struct DiskTests {
    private func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    @Test func aLogIsKnownByItsHeader() async throws {
        try await withStorePath { path in
            let store = try await SQLiteStore(path: path, hostName: "here")
            try await store.commit([EventLine(time: 1)])
            let header = Array(try bytes(path + "-wal").prefix(LogHeader.byteCount))
            await store.close()
            #expect(LogHeader.isIntact(header))
            for index in header.indices {
                var broken = header
                broken[index] ^= 0x40
                #expect(!LogHeader.isIntact(broken), "byte \(index)")
            }
            #expect(!LogHeader.isIntact([]))
        }
    }

    @Test func damagedPagesAreFound() async throws {
        try await withStorePath { path in
            let store = try await SQLiteStore(path: path, hostName: "here")
            try await store.commit((0..<500).map { EventLine(time: Double($0)) })
            #expect(try await store.findDamage(milliseconds: 60_000) == nil)
            await store.close()
            var content = try bytes(path)
            for index in (content.count / 3)..<(content.count / 3 + 32_768) {
                content[index] = 0x5a
            }
            try Data(content).write(to: URL(fileURLWithPath: path))
            var fault: DiskFault?
            do {
                let damaged = try await SQLiteStore(path: path, hostName: "here")
                if try await damaged.findDamage(milliseconds: 60_000) != nil { fault = .damaged }
                await damaged.close()
            } catch {
                fault = (error as? StoreError)?.diskFault
            }
            #expect(fault == .damaged)
        }
    }

    @Test func theOldestRowsMakeRoom() async throws {
        try await withStore { store in
            let text = String(repeating: "abcdefgh", count: 100)
            try await store.commit(
                (0..<2_000).map { EventLine(time: Double($0), attributes: #"{"t":"\#(text)"}"#) })
            try await store.settle()
            let before = try await store.status().sizeBytes
            try await store.makeRoom(bytes: before / 4, at: at(3_000))
            let after = try await store.status()
            #expect(after.sizeBytes <= before * 3 / 4 + (1 << 20))
            #expect(after.walBytes == 0)
            let left = try await store.allEvents().map(\.time)
            #expect(left.contains(at(1_999)))
            #expect(!left.contains(at(0)))
        }
    }
}
