// swift-tools-version: 6.2

import PackageDescription

// Targets in layer order. Above each: what it is, and what it may use. ARCHITECTURE.md draws the
// same table; a test holds the two against each other.

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "quipu",
    products: [
        .library(
            name: "QuipuClient",
            targets: ["QuipuClient", "QuipuProtocol", "QuipuModel", "Platform"]),
        .library(name: "QuipuMetrics", targets: ["QuipuMetrics"]),
        .executable(name: "quipud", targets: ["quipud"]),
        .executable(name: "quipu-agent", targets: ["quipu-agent"]),
        .executable(name: "quipu", targets: ["quipu"]),
        .executable(name: "quipu-import", targets: ["quipu-import"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(
            url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // The few C functions and structures that Swift's Glibc overlay does not show. libc only.
        .target(name: "CPlatform"),

        // simdjson behind a C header: one line of JSON in, a flat tape of tokens out.
        .target(
            name: "CSimdJSON",
            cxxSettings: [.unsafeFlags(["-O2"])],
            linkerSettings: [.linkedLibrary("simdjson")]),

        // Debian's libzstd.
        .systemLibrary(
            name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),

        // What SQLite may allocate for one question; its own bound is one for the process.
        .target(name: "CQuestionMemory", linkerSettings: [.linkedLibrary("sqlite3")]),

        // Descriptors, sockets, peer credentials, the service manager, threads. The only target
        // that calls the operating system.
        .target(name: "Platform", dependencies: ["CPlatform"], swiftSettings: strict),

        // DDSketch, distinct counts, rollups: numbers only, standard library only.
        .target(name: "Sketches", swiftSettings: strict),

        // The vocabulary as value types, and every bound. No I/O, no clock. May use Sketches.
        .target(name: "QuipuModel", dependencies: ["Sketches"], swiftSettings: strict),

        // JSON values, requests, replies, errors, framing. May use QuipuModel.
        .target(name: "QuipuProtocol", dependencies: ["QuipuModel"], swiftSettings: strict),

        // The daemon's side of ingest.sock as pure state machines: framing, sessions, which batches
        // go into one commit. May use QuipuModel, QuipuProtocol.
        .target(
            name: "IngestCore", dependencies: ["QuipuModel", "QuipuProtocol"],
            swiftSettings: strict),

        // Bytes to records: JSON lines, StatsD, native JSON. May use QuipuModel, Sketches,
        // CSimdJSON.
        .target(
            name: "Intake", dependencies: ["QuipuModel", "Sketches", "CSimdJSON"],
            swiftSettings: strict),

        // `Store` and its SQLite implementation: schema, writer, readers. The only target that sees
        // SQL. May use QuipuModel, Sketches, GRDB, CQuestionMemory, CZstd.
        .target(
            name: "QuipuStore",
            dependencies: [
                "QuipuModel", "Sketches", "CQuestionMemory", "CZstd",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: strict),

        // Flags over environment over file over defaults, as typed settings. Reads no environment
        // itself: executables hand it over.
        .target(
            name: "Settings",
            dependencies: [
                "QuipuModel", .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),

        // Sockets, ingest, methods, subscriptions, watchdog. All above but AgentCore; NIO.
        .target(
            name: "DaemonCore",
            dependencies: [
                "IngestCore", "Intake", "Platform", "QuipuModel", "QuipuProtocol", "QuipuStore",
                "Settings", "Sketches",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),

        // Tailing, datagrams, spool, shipping. QuipuModel, QuipuProtocol, Platform; no Foundation.
        .target(
            name: "AgentCore", dependencies: ["Platform", "QuipuModel", "QuipuProtocol"],
            swiftSettings: strict),

        // For Swift programs: ask the daemon, send to the agent. QuipuProtocol, Platform.
        .target(
            name: "QuipuClient", dependencies: ["Platform", "QuipuModel", "QuipuProtocol"],
            swiftSettings: strict),

        // Files and databases of other systems as native lines. Reads SQLite, never our own
        // database. QuipuModel, QuipuProtocol, Platform, GRDBSQLite.
        .target(
            name: "Importing",
            dependencies: [
                "Platform", "QuipuModel", "QuipuProtocol",
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: strict),

        // A backend for swift-metrics. QuipuClient; no Foundation, no swift-log.
        .target(
            name: "QuipuMetrics",
            dependencies: [
                "QuipuClient", .product(name: "CoreMetrics", package: "swift-metrics"),
            ],
            swiftSettings: strict),

        // Thin executables: parse flags, wire, run.
        .executableTarget(
            name: "quipud",
            dependencies: [
                "DaemonCore", "Platform", "QuipuModel", "QuipuProtocol", "Settings",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "quipu-agent",
            dependencies: [
                "AgentCore", "Platform", "QuipuModel", "Settings",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "quipu",
            dependencies: [
                "Platform", "QuipuClient", "QuipuModel", "QuipuProtocol",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict,
            // Hooks start it all the time, and half of a start was the dynamic loader's.
            linkerSettings: [
                .unsafeFlags(["-static-executable"], .when(configuration: .release))
            ]),

        // What `quipu import` becomes: apart from `quipu`, so that hooks do not load SQLite.
        .executableTarget(
            name: "quipu-import",
            dependencies: [
                "AgentCore", "Importing", "Platform", "QuipuClient", "QuipuModel",
                "QuipuProtocol",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),

        // How a program uses QuipuMetrics and QuipuClient; and what recording costs it.
        .executableTarget(
            name: "metrics-example",
            dependencies: [
                "QuipuClient", "QuipuMetrics", "QuipuModel", "QuipuProtocol",
                .product(name: "Metrics", package: "swift-metrics"),
            ],
            path: "Examples/metrics-example", swiftSettings: strict),
        .executableTarget(
            name: "client-bench",
            dependencies: [
                "Platform", "QuipuClient", "QuipuMetrics",
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ],
            path: "Benchmarks/client-bench", swiftSettings: strict),
        .executableTarget(
            name: "intake-bench", dependencies: ["Intake", "Platform", "QuipuModel"],
            path: "Benchmarks/intake-bench", swiftSettings: strict),

        // What tests share: processes, temporary directories, a rig of daemon and agent.
        .target(
            name: "TestSupport",
            dependencies: ["QuipuClient", "QuipuModel", "QuipuProtocol"],
            path: "Tests/TestSupport"),
        // Writes what agents leave behind, and what really happened.
        .executableTarget(
            name: "quipu-sim", dependencies: ["QuipuProtocol", "TestSupport"],
            path: "Tests/quipu-sim"),
        // Agent and daemon in a simulated world; and what runs a hundred thousand schedules of it.
        .target(
            name: "ScheduleWorld",
            dependencies: ["AgentCore", "IngestCore", "Platform", "QuipuModel", "QuipuProtocol"],
            path: "Tests/ScheduleWorld"),
        .executableTarget(
            name: "quipu-schedules",
            dependencies: [
                "Intake", "QuipuModel", "QuipuProtocol", "QuipuStore", "ScheduleWorld",
            ],
            path: "Tests/quipu-schedules"),
        .testTarget(name: "SketchesTests", dependencies: ["Sketches", "TestSupport"]),
        .testTarget(
            name: "QuipuProtocolTests",
            dependencies: ["QuipuModel", "QuipuProtocol", "TestSupport"]),
        .testTarget(
            name: "IntakeTests",
            dependencies: ["Intake", "QuipuModel", "Sketches", "TestSupport"]),
        .testTarget(
            name: "QuipuStoreTests",
            dependencies: ["QuipuModel", "QuipuStore", "Sketches", "TestSupport"]),
        .testTarget(
            name: "AgentCoreTests",
            dependencies: ["AgentCore", "Platform", "QuipuModel", "QuipuProtocol", "TestSupport"]),
        .testTarget(
            name: "DaemonCoreTests",
            dependencies: [
                "DaemonCore", "IngestCore", "Platform", "QuipuModel", "QuipuProtocol",
                "QuipuStore", "TestSupport", .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ]),
        .testTarget(
            name: "ImportingTests",
            dependencies: [
                "Importing", "QuipuModel", "QuipuProtocol", "TestSupport",
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ]),
        .testTarget(
            name: "CommandLineTests",
            dependencies: ["Platform", "QuipuModel", "QuipuProtocol", "TestSupport", "quipu"]),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "Platform", "QuipuClient", "QuipuModel", "QuipuProtocol", "TestSupport",
                "metrics-example", "quipu", "quipu-agent", "quipu-import", "quipu-sim", "quipud",
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ]),
        .testTarget(name: "SettingsTests", dependencies: ["Settings", "TestSupport"]),
        .testTarget(
            name: "QuipuClientTests",
            dependencies: [
                "Platform", "QuipuClient", "QuipuMetrics", "QuipuModel", "QuipuProtocol",
                "TestSupport", .product(name: "CoreMetrics", package: "swift-metrics"),
            ]),
        .testTarget(name: "TidyTests"),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
