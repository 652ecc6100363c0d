/// What Package.swift declares, as far as the tests ask: names by kind.
struct Manifest {
    var targets: Set<String> = []
    /// Those below `Tests`: test targets, and what they share.
    var testTargets: Set<String> = []

    init(_ file: Repository.File) {
        let text = file.code.map(\.text).joined(separator: "\n")
        let pattern = /\.(target|executableTarget|systemLibrary|testTarget)\(\s*name: "([^"]+)"/
        for match in text.matches(of: pattern) {
            let name = String(match.2)
            if match.1 == "testTarget" || text.contains("path: \"Tests/\(name)\"") {
                testTargets.insert(name)
            } else {
                targets.insert(name)
            }
        }
    }
}
