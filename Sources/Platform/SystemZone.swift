import Glibc

/// The time zone that the machine is set to.
public enum SystemZone {
    /// Its name in the IANA database, such as `Europe/Berlin`; `UTC` where nothing tells it.
    public static func name(environment: [String: String]) -> String {
        // A leading colon is allowed before a name.
        if let set = environment["TZ"]?.drop(while: { $0 == ":" }), !set.isEmpty,
            !set.hasPrefix("/")
        {
            return String(set)
        }
        guard let path = realpath("/etc/localtime", nil) else { return "UTC" }
        defer { free(path) }
        let target = String(cString: path)
        guard let marker = target.firstRange(of: "zoneinfo/") else { return "UTC" }
        return String(target[marker.upperBound...])
    }
}
