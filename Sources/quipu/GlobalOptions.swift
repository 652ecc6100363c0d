import ArgumentParser
import Platform
import QuipuClient
import QuipuModel
import QuipuProtocol

/// What may stand before the command or after it.
struct GlobalOptions: ParsableArguments {
    @Option(
        name: .customLong("runtime-dir"),
        help: "Where the sockets are; also QUIPU_RUNTIME_DIR.")
    var runtimeDirectory: String?

    @Flag(help: "Write the reply's result untouched, as one line of JSON.")
    var json = false

    var places: Places {
        Places(
            role: .client, environment: ProcessFacts.environment(),
            userID: ProcessFacts.userID, runtimeDirectory: runtimeDirectory,
            exists: Files.exists)
    }

    /// Asks one question and shows its answer: untouched with `--json`, else as `show` draws it.
    @discardableResult func ask(
        _ method: QuipuProtocol.Method, _ params: Params,
        show: (JSON, inout Screen) throws -> Void
    ) throws -> JSON {
        try ask(method.rawValue, params.json, show: show)
    }

    @discardableResult func ask(
        _ method: String, _ params: JSON, show: (JSON, inout Screen) throws -> Void
    ) throws -> JSON {
        try reportingFailure {
            var client = try Client(path: places.querySocket)
            let answer = try client.call(method, params)
            var screen = Screen.standard()
            if json {
                screen.write(json: answer.text)
            } else {
                try show(answer.result, &screen)
            }
            try screen.flush()
            return answer.result
        }
    }
}

extension Timestamp {
    static var now: Timestamp { Timestamp(microseconds: WallClock.microseconds()) }
}

/// The statuses that every command ends with, besides 0 and the parser's own 64.
enum ExitStatus {
    static let failed = ExitCode(1)
    static let wrongUsage = ExitCode(64)
    static let unreachable = ExitCode(69)
}

/// Runs a command's work; what goes wrong is told on standard error and becomes the exit status.
func reportingFailure<Result>(_ work: () throws -> Result) throws -> Result {
    do {
        return try work()
    } catch ClientError.unread {
        throw ExitCode.success
    } catch let error as ClientError {
        Diagnostics.write("quipu: \(error)")
        throw exitStatus(for: error)
    } catch let error as SystemError where error.isDisconnected {
        // Who reads has seen enough.
        throw ExitCode.success
    } catch let error as DatabaseFile.Failure {
        Diagnostics.write("quipu: \(error)")
        throw ExitStatus.failed
    } catch let error as SystemError {
        Diagnostics.write("quipu: \(error)")
        throw ExitStatus.failed
    }
}

private func exitStatus(for error: ClientError) -> ExitCode {
    if case .refused(let answer) = error,
        answer.code == .invalidParams || answer.code == .methodNotFound
    {
        return ExitStatus.wrongUsage
    }
    return error.isUnreachable ? ExitStatus.unreachable : ExitStatus.failed
}
