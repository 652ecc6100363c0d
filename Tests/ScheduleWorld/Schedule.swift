/// One schedule: agents, daemon and their world, driven through an order of events that a seed
/// decides, and checked to have stored every record exactly once.
public enum Schedule {
    public struct Report: Sendable {
        public var violations: [String]
        public var records: Int
    }

    /// - Parameter trace: Gets what happens, a line each.
    public static func run(
        seed: UInt64, lie: Lie = .none, trace: ((String) -> Void)? = nil
    ) -> Report {
        run(Choices(seed: seed), lie: lie, trace: trace)
    }

    /// Over another store than the model of one.
    package static func run(
        seed: UInt64, trace: ((String) -> Void)? = nil,
        makeStore: @escaping () -> any ScheduleStore
    ) -> Report {
        run(World(Choices(seed: seed), lie: .none, tracer: trace, makeStore: makeStore))
    }

    /// With a fuzzer's bytes as the choices.
    public static func run(bytes: [UInt8], trace: ((String) -> Void)? = nil) -> Report {
        run(Choices(bytes: bytes), lie: .none, trace: trace)
    }

    private static func run(
        _ choices: Choices, lie: Lie, trace: ((String) -> Void)?
    ) -> Report {
        let world = World(choices, lie: lie, tracer: trace) {
            var store = ModelStore()
            store.lie = lie
            return store
        }
        return run(world)
    }

    private static func run(_ world: World) -> Report {
        world.run()
        return Report(violations: world.violations, records: world.records.count)
    }
}
