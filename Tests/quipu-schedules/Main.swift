import Glibc
import ScheduleWorld
import Synchronization

/// Runs schedules in one process and prints the seeds that fail.
///
///     quipu-schedules [--count N] [--from SEED] [--lie NAME] [--store sqlite]
///     quipu-schedules --seed SEED [--lie NAME]     that one alone, with a trace (or TEST_SEED)
///     quipu-schedules --bytes FILE                 what the fuzzer found, with a trace
///     quipu-schedules --prove yes                  tells after how many each lie is found
@main
enum Main {
    struct Arguments {
        var count: UInt64 = 100_000
        var from: UInt64 = 1
        var seed: UInt64?
        /// A fuzzer's choices.
        var bytes: [UInt8]?
        var lie = Lie.none
        var proves = false
        /// The product's store in memory instead of a model of it: thirty times as long.
        var usesSQLite = false

        func run(_ seed: UInt64, trace: ((String) -> Void)? = nil) -> Schedule.Report {
            guard usesSQLite else { return Schedule.run(seed: seed, lie: lie, trace: trace) }
            var made: [SQLiteScheduleStore] = []
            defer { for store in made { store.close() } }
            return Schedule.run(seed: seed, trace: trace) {
                guard let store = try? SQLiteScheduleStore() else { exit(70) }
                made.append(store)
                return store
            }
        }
    }

    static func main() {
        makeHashingRepeatable()
        guard let arguments = arguments(CommandLine.arguments.dropFirst()) else {
            print(
                "usage: quipu-schedules [--count N] [--from SEED] [--seed SEED | --bytes FILE] "
                    + "[--lie NAME] [--store sqlite]")
            exit(64)
        }
        if let seed = arguments.seed {
            let report = arguments.run(seed) { print($0) }
            print("seed \(seed): \(report.records) records, \(report.violations.count) violations")
            exit(report.violations.isEmpty ? 0 : 1)
        }
        if let bytes = arguments.bytes {
            let report = Schedule.run(bytes: bytes) { print($0) }
            print("\(report.records) records, \(report.violations.count) violations")
            exit(report.violations.isEmpty ? 0 : 1)
        }
        exit((arguments.proves ? provesLies() : runMany(arguments)) ? 0 : 1)
    }

    /// The order of dictionaries is part of a schedule, and differs from process to process unless
    /// this is set at its start.
    private static func makeHashingRepeatable() {
        let name = "SWIFT_DETERMINISTIC_HASHING"
        guard getenv(name) == nil else { return }
        setenv(name, "1", 1)
        execv("/proc/self/exe", CommandLine.unsafeArgv)
    }

    private static func contents(of path: String) -> [UInt8]? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return Array(bytes.prefix(count))
    }

    private static func arguments(_ words: ArraySlice<String>) -> Arguments? {
        var arguments = Arguments()
        var rest = words
        if let seed = getenv("TEST_SEED").flatMap({ UInt64(String(cString: $0)) }) {
            arguments.seed = seed
        }
        while let flag = rest.popFirst() {
            guard let value = rest.popFirst() else { return nil }
            switch flag {
            case "--lie":
                guard let lie = Lie(rawValue: value) else { return nil }
                arguments.lie = lie
            case "--bytes":
                guard let bytes = contents(of: value) else { return nil }
                arguments.bytes = bytes
            case "--prove": arguments.proves = true
            case "--store": arguments.usesSQLite = value == "sqlite"
            case "--count", "--from", "--seed":
                guard let number = UInt64(value) else { return nil }
                if flag == "--count" { arguments.count = number }
                if flag == "--from" { arguments.from = number }
                if flag == "--seed" { arguments.seed = number }
            default: return nil
            }
        }
        return arguments
    }

    /// A simulation that finds nothing wrong with a world that is proves nothing.
    private static func provesLies() -> Bool {
        var isGood = true
        for lie in Lie.allCases where lie != .none {
            let seeds: ClosedRange<UInt64> = 1...5_000
            let found = seeds.first { !Schedule.run(seed: $0, lie: lie).violations.isEmpty }
            let place = found.map { "found by schedule \($0)" } ?? "NOT FOUND in \(seeds.count)"
            print("lie \(lie): \(place)")
            fflush(nil)
            if found == nil { isGood = false }
        }
        return isGood
    }

    private struct Sum {
        /// Less than asked for where many failed.
        var run = 0
        var records = 0
        var failed: [(seed: UInt64, first: String)] = []
        var next: UInt64
    }

    private static func runMany(_ arguments: Arguments) -> Bool {
        let end = arguments.from + arguments.count
        let sum = Mutex(Sum(next: arguments.from))
        // In blocks, on as many threads as there are processors.
        let block: UInt64 = 250
        concurrently {
            while true {
                let first = sum.withLock { sum in
                    defer { sum.next += block }
                    return sum.failed.count < 20 ? sum.next : end
                }
                guard first < end else { return }
                for seed in first..<min(first + block, end) {
                    let report = arguments.run(seed)
                    sum.withLock { sum in
                        sum.run += 1
                        sum.records += report.records
                        if let violation = report.violations.first {
                            sum.failed.append((seed, violation))
                        }
                    }
                }
            }
        }
        return sum.withLock { sum in
            for failure in sum.failed.sorted(by: { $0.seed < $1.seed }).prefix(20) {
                print("seed \(failure.seed): \(failure.first)")
            }
            print(
                "schedules: \(sum.run - sum.failed.count) passed, "
                    + "\(sum.failed.count) failed (\(sum.records) records)")
            return sum.failed.isEmpty
        }
    }

    private static func concurrently(_ body: @escaping @Sendable () -> Void) {
        let threads = max(1, min(8, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        var started: [pthread_t] = []
        let box = Body(body)
        for _ in 0..<threads {
            var thread = pthread_t()
            let code = pthread_create(
                &thread, nil,
                { pointer in
                    guard let pointer else { return nil }
                    Unmanaged<Body>.fromOpaque(pointer).takeUnretainedValue().run()
                    return nil
                }, Unmanaged.passUnretained(box).toOpaque())
            if code == 0 { started.append(thread) }
        }
        for thread in started { pthread_join(thread, nil) }
        withExtendedLifetime(box) {}
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
