import Foundation
import QuipuModel
import QuipuProtocol

/// The files below `protocol/`, as data for tests.
enum ProtocolFiles {
    static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "protocol")

    static func names(in path: String) -> [String] {
        let url = folder.appending(path: path)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        return names.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
    }

    static func json(_ path: String) throws -> JSON {
        let data = try Data(contentsOf: folder.appending(path: path))
        return try JSON.parse([UInt8](data), nestingMax: 256)
    }

    static let validExamples: [String] = {
        let url = folder.appending(path: "examples/valid")
        let methods = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        return methods.sorted().flatMap { method in
            names(in: "examples/valid/\(method)").map { "\(method)/\($0)" }
        }
    }()
}

/// All that can be told of a line without a daemon: the envelope and the params.
enum Check {
    static let now = Timestamp.seconds(1_795_188_000)

    static func error(of line: [UInt8]) -> RPCError? {
        switch Incoming.parse(line) {
        case .blank, .batch: nil
        case .single(.failure(let refused)): refused.error
        case .single(.success(let request)): error(of: request)
        }
    }

    static func error(of request: Request) -> RPCError? {
        var parameters = Parameters(request.params, now: now)
        do throws(RPCError) {
            if let method = Method(rawValue: request.method) {
                try read(&parameters, of: method)
            } else if let method = IngestMethod(rawValue: request.method) {
                try read(&parameters, of: method)
            } else {
                return RPCError(.methodNotFound, path: "method")
            }
            return nil
        } catch {
            return error
        }
    }

    private static func read(
        _ parameters: inout Parameters, of method: QuipuProtocol.Method
    ) throws(RPCError) {
        switch method {
        case .discover, .health, .stats: try parameters.none()
        case .ledger: _ = try parameters.ledgerPage()
        case .eventsQuery: _ = try parameters.eventQuery()
        case .eventsSummary: _ = try parameters.summaryQuery()
        case .sessionsList: _ = try parameters.sessionQuery()
        case .sessionsGet: _ = try parameters.sessionDetailQuery()
        case .toolsStats: _ = try parameters.toolQuery()
        case .errorsList: _ = try parameters.errorQuery()
        case .filesList: _ = try parameters.fileQuery()
        case .metricsList: _ = try parameters.seriesQuery()
        case .metricsQuery: _ = try parameters.metricQuery()
        case .tasksList: _ = try parameters.taskQuery()
        case .tasksGet: _ = try parameters.taskDetailQuery()
        case .tasksActivity: _ = try parameters.activityQuery()
        case .tasksPut: _ = try parameters.taskLine()
        case .documentsList: _ = try parameters.documentQuery()
        case .documentsGet, .documentsDelete: _ = try parameters.documentID()
        case .documentsSearch: _ = try parameters.documentSearch()
        case .documentsPut: _ = try parameters.documentUpdate()
        case .overview: _ = try parameters.overviewRange()
        case .sql: _ = try parameters.sqlQuery()
        case .costsSummary: _ = try parameters.costQuery()
        case .costsBlocks: _ = try parameters.blockQuery()
        case .costsReconcile: _ = try parameters.reconcileQuery()
        case .limitsList: try parameters.limitList()
        case .limitsSet: _ = try parameters.limitRequest()
        case .limitsCheck: _ = try parameters.limitQuestion()
        case .pricesList: _ = try parameters.priceList()
        case .pricesSet: _ = try parameters.priceRequest()
        case .adminRetention: _ = try parameters.retentionDryRun()
        case .adminBackup: _ = try parameters.backupPath()
        case .adminPersistence: _ = try parameters.persistenceIsOn()
        case .adminFlush: try parameters.none()
        case .subscribe: _ = try parameters.subscribeRequest()
        case .unsubscribe: _ = try parameters.subscriptionNumber()
        }
    }

    private static func read(
        _ parameters: inout Parameters, of method: IngestMethod
    ) throws(RPCError) {
        switch method {
        case .open: _ = try parameters.ingestOpen()
        case .batch: _ = try parameters.ingestBatch()
        case .skip: _ = try parameters.ingestSkip()
        }
    }
}

func parse(_ text: String) throws -> JSON { try JSON.parse(text.utf8) }

func parameters(_ text: String) throws -> Parameters {
    Parameters(try parse(text), now: Check.now)
}
