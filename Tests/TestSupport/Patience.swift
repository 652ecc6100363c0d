import Foundation

/// How long tests wait for what must happen. Under a sanitizer everything takes ten times as long.
public enum Patience {
    public static let factor =
        ProcessInfo.processInfo.environment["QUIPU_SANITIZER"] == nil ? 1.0 : 10.0
}
