// swift-tools-version: 6.2

import PackageDescription

// libFuzzer targets for everything that reads bytes from outside. A package of its own, so that the
// flags of the sanitizers reach only these; it sees the product's targets through links, so that it
// needs none of the product's dependencies. Fuzz/run.sh builds and runs it.

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "quipu-fuzz",
    targets: [
        .target(name: "CSimdJSON", linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "Sketches", swiftSettings: strict, linkerSettings: [.linkedLibrary("m")]),
        .target(name: "QuipuModel", dependencies: ["Sketches"], swiftSettings: strict),
        .target(name: "QuipuProtocol", dependencies: ["QuipuModel"], swiftSettings: strict),
        .target(
            name: "Intake", dependencies: ["CSimdJSON", "QuipuModel", "Sketches"],
            swiftSettings: strict),
        .target(name: "CPlatform"),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd"),
        .target(name: "Platform", dependencies: ["CPlatform"], swiftSettings: strict),
        .target(
            name: "IngestCore", dependencies: ["QuipuModel", "QuipuProtocol"],
            swiftSettings: strict),
        .target(
            name: "AgentCore", dependencies: ["Platform", "QuipuModel", "QuipuProtocol"],
            swiftSettings: strict),
        .target(
            name: "QuipuClient", dependencies: ["Platform", "QuipuModel", "QuipuProtocol"],
            swiftSettings: strict),
        .target(
            name: "ScheduleWorld",
            dependencies: ["AgentCore", "IngestCore", "Platform", "QuipuModel", "QuipuProtocol"]),
        .target(name: "Rules", swiftSettings: strict),
        // Of the store only what reads bytes from the disk.
        .target(
            name: "StoredBytes", dependencies: ["CZstd", "QuipuModel", "Rules", "Sketches"],
            swiftSettings: strict),
        // What must hold for every input.
        .target(
            name: "Oracle",
            dependencies: [
                "AgentCore", "IngestCore", "Intake", "QuipuClient", "QuipuModel",
                "QuipuProtocol", "Rules", "Sketches", "StoredBytes",
            ],
            swiftSettings: strict),
        .target(
            name: "Actions", dependencies: ["Rules", "ScheduleWorld"], swiftSettings: strict),
        // One C function each, because libFuzzer brings its own `main`.
        .executableTarget(name: "fuzz-lines", dependencies: ["Oracle"]),
        .executableTarget(name: "fuzz-statsd", dependencies: ["Oracle"]),
        .executableTarget(name: "fuzz-requests", dependencies: ["Oracle"]),
        .executableTarget(name: "fuzz-parsers", dependencies: ["Oracle"]),
        .executableTarget(name: "fuzz-schedules", dependencies: ["Actions"]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
