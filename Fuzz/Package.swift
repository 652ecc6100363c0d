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
        // What must hold for every input.
        .target(
            name: "Oracle", dependencies: ["Intake", "QuipuModel", "QuipuProtocol", "Sketches"],
            swiftSettings: strict),
        // One C function each, because libFuzzer brings its own `main`.
        .executableTarget(name: "fuzz-lines", dependencies: ["Oracle"]),
        .executableTarget(name: "fuzz-statsd", dependencies: ["Oracle"]),
        .executableTarget(name: "fuzz-requests", dependencies: ["Oracle"]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
