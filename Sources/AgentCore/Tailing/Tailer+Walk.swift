import Platform

extension Tailer {
    /// Looks at a directory whose entries are held against `states`, and at those below. The watch
    /// is set before the entries are read, so that nothing falls between the two.
    func walk(_ path: String, _ states: [GlobSet.State], depth: Int = 0) {
        guard !states.isEmpty else { return }
        guard depth < AgentLimits.directoryDepthMax else {
            tooDeep.append(path)
            return
        }
        if let names = globs.directoryNames(states) {
            walkNamed(path, names, states, depth: depth)
            return
        }
        watch(path, states)
        var entries: [(name: String, mayBeDirectory: Bool)] = []
        do throws(SystemError) {
            let leftOut = try system.list(path) { entries.append(($0, $1)) }
            tellUnreadable(leftOut, in: path, states)
        } catch {
            if !error.isMissing { complain(error) }
        }
        // Names often begin with a time: what was written first is then read first.
        entries.sort { $0.name < $1.name }
        for entry in entries {
            let next = globs.advance(states, name: entry.name)
            if next.isWatched || entry.mayBeDirectory && !next.states.isEmpty {
                examine(Entry(path, entry.name, states), hasChanged: false, depth: depth + 1)
            }
        }
    }

    /// Files that a glob would name if their names were UTF-8 are not read.
    private func tellUnreadable(
        _ names: [(name: String, mayBeDirectory: Bool)], in path: String, _ states: [GlobSet.State]
    ) {
        let count = names.count { entry in
            let next = globs.advance(states, name: entry.name)
            return next.isWatched || entry.mayBeDirectory && !next.states.isEmpty
        }
        guard count > 0 else { return }
        complain(
            "\(path): \(count) names are not UTF-8; what they lead to is not read",
            once: "not UTF-8: \(path)")
    }

    /// Once for as long as the same directory is the first.
    func tellTooDeep() {
        guard let first = tooDeep.min() else { return }
        let more = tooDeep.count == 1 ? "" : ", and \(tooDeep.count - 1) more like it"
        complain(
            "\(first) is \(AgentLimits.directoryDepthMax) directories deep\(more): "
                + "no log in there is read", once: "too deep: \(first)")
        tooDeep = []
    }

    /// Goes on to the only directories that can matter. Where one is missing, the directory is
    /// watched for it; a directory that is only passed through needs no watch.
    private func walkNamed(
        _ path: String, _ names: [String], _ states: [GlobSet.State], depth: Int
    ) {
        func pass(_ names: [String]) -> [String] {
            names.filter { name in
                let entry = Entry(path, name, states)
                return !examine(entry, hasChanged: false, depth: depth + 1)
            }
        }
        let missing = pass(names)
        guard !missing.isEmpty else { return }
        watch(path, states)
        _ = pass(missing)
    }

    /// One entry of a directory whose entries are held against `states`.
    struct Entry {
        var path: String
        var name: String
        var states: [GlobSet.State]

        init(_ directory: String, _ name: String, _ states: [GlobSet.State]) {
            path = directory == "/" ? "/" + name : directory + "/" + name
            self.name = name
            self.states = states
        }

        /// A path of which only its file is in question.
        init(known path: String) {
            self.path = path
            name = ""
            states = []
        }
    }

    /// Looks at what stands at a path now; false when nothing does.
    @discardableResult
    func examine(_ entry: Entry, hasChanged: Bool, depth: Int = 0) -> Bool {
        do throws(SystemError) {
            let status = try system.status(entry.path, followingLinks: false)
            if status.kind == .link {
                let target = try system.status(entry.path, followingLinks: true)
                take(entry, target, linkOwner: status.owner, hasChanged: hasChanged, depth: depth)
            } else {
                take(entry, status, linkOwner: nil, hasChanged: hasChanged, depth: depth)
            }
            return true
        } catch {
            if error.isMissing {
                unbind(entry.path)
                return false
            }
            complain(error)
            return true
        }
    }

    private func take(
        _ entry: Entry, _ status: FileStatus, linkOwner: UInt32?, hasChanged: Bool, depth: Int
    ) {
        let mayFollow = FileStatus.mayFollow(linkOwner: linkOwner, to: status)
        if status.kind == .directory, mayFollow {
            let next = globs.advance(entry.states, name: entry.name, isLink: linkOwner != nil)
            walk(entry.path, next.states, depth: depth)
        }
        let isWatched = globs.advance(entry.states, name: entry.name).isWatched
        let isStray = strayPaths[entry.path] != nil || filesByPath[entry.path] != nil
        guard status.kind == .regular, mayFollow, isWatched || isStray else {
            // Pipes, devices, directories and foreign links under a watched name are left alone.
            unbind(entry.path)
            return
        }
        let name = TailedFile.Name(
            path: entry.path, linkOwner: linkOwner, isWatched: isWatched)
        if isWatched { found?.insert(entry.path) }
        bind(name, status, hasChanged: hasChanged)
    }
}
