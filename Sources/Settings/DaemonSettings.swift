/// What a user may change about `quipud`.
public struct DaemonSettings: Sendable, Equatable {
    /// `persistence`: false keeps everything in memory only.
    public var persistence = true
    /// `admin_group`: members may do what otherwise only root and the daemon's own user may.
    public var adminGroup: String?
    /// `metrics.origin_tags`: whether the fields by which DogStatsD clients tell their container
    /// become tags.
    public var originTags = false

    public init() {}

    public init(_ layers: Layers) throws(SettingsError) {
        persistence = try layers.bool("persistence") ?? persistence
        adminGroup = try layers.string("admin_group")
        originTags = try layers.bool("metrics.origin_tags") ?? originTags
    }
}
