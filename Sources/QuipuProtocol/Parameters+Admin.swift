extension Parameters {
    /// `admin.retention`: whether to count only.
    public mutating func retentionDryRun() throws(RPCError) -> Bool {
        let value = value("dry_run")
        try finish()
        guard let value else { return false }
        guard let flag = value.bool else {
            throw .invalid("dry_run", "true or false, not \(Parameters.describe(value))")
        }
        return flag
    }

    /// `admin.persistence`: whether what is committed goes to the disk.
    public mutating func persistenceIsOn() throws(RPCError) -> Bool {
        guard let isOn = try bool("enabled") else { throw .invalid("enabled", "missing") }
        try finish()
        return isOn
    }

    /// `admin.backup`: where to.
    public mutating func backupPath() throws(RPCError) -> String {
        let path = try requiredString("path")
        try finish()
        guard path.hasPrefix("/") else {
            throw .invalid("path", "an absolute path, since the daemon's directory is not yours")
        }
        guard !path.utf8.contains(0) else { throw .invalid("path", "a path without NUL") }
        return path
    }
}
