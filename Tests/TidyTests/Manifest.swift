/// What Package.swift declares, as far as the tests ask: names by kind.
struct Manifest {
    var targets: Set<String> = []
    var testTargets: Set<String> = []

    init(_ file: Repository.File) {
        let text = file.code.map(\.text).joined(separator: "\n")
        let pattern = /\.(target|executableTarget|systemLibrary|testTarget)\(\s*name: "([^"]+)"/
        for match in text.matches(of: pattern) {
            if match.1 == "testTarget" {
                testTargets.insert(String(match.2))
            } else {
                targets.insert(String(match.2))
            }
        }
    }
}
