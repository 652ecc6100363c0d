import Testing

@testable import AgentCore

@Suite struct TailingGlobTests {
    private func matches(_ glob: String, _ path: String) throws -> Bool {
        let globs = try GlobSet(
            [glob], environment: ["HOME": "/home/u", "X": "var"], workingDirectory: "/work")
        var states = globs.start
        let parts = path.split(separator: "/").map(String.init)
        for part in parts.dropLast() { states = globs.advance(states, name: part).states }
        return globs.advance(states, name: parts.last ?? "").isWatched
    }

    @Test(arguments: [
        ("~/.claude/projects/**/*.jsonl", "/home/u/.claude/projects/a.jsonl"),
        ("~/.claude/projects/**/*.jsonl", "/home/u/.claude/projects/p/q/a.jsonl"),
        ("./logs/sessions/*/*.jsonl", "/work/logs/sessions/s1/post.jsonl"),
        ("logs/../*.log", "/work/x.log"),
        ("/$X/${X}/a?[0-9].{log,json}", "/var/var/ab7.json"),
        ("/a/[!b]*", "/a/cb"), ("/a/[]x]", "/a/]"), ("/a/[", "/a/["),
        ("/a/{b,c{d,e}}/f", "/a/ce/f"), ("/a/{b}", "/a/{b}"), ("/a/\\*", "/a/*"),
        ("/**", "/x/y/z"), ("/**/**/x", "/x"), ("/a*b*c", "/aXbXbXc"), ("/.*", "/.x"),
    ])
    func matching(_ glob: String, _ path: String) throws {
        #expect(try matches(glob, path))
    }

    @Test(arguments: [
        ("~/logs/*.jsonl", "/home/u/logs/x/a.jsonl"), ("/a/*", "/a/.hidden"),
        ("/**/*.jsonl", "/.git/a.jsonl"), ("/a/[!b]", "/a/b"), ("/a/\\*", "/a/b"),
        ("/a*b*c", "/aXbX"), ("/a?", "/a"), ("/a/b", "/a"),
    ])
    func notMatching(_ glob: String, _ path: String) throws {
        #expect(try !matches(glob, path))
    }

    @Test(arguments: [
        "", "$NOT_SET/x", "/a/${X", "/a/$", "/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}",
    ])
    func refused(_ glob: String) {
        #expect(throws: GlobError.self) {
            try GlobSet([glob], environment: ["X": "x"], workingDirectory: "/")
        }
    }

    @Test func manyStarsDoNotTakeForEver() throws {
        let glob = "/" + String(repeating: "a*", count: 50) + "b"
        #expect(try !matches(glob, "/" + String(repeating: "a", count: 200)))
    }
}
