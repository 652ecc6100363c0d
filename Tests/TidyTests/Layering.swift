/// Which modules only some targets may import. Package.swift says which targets may use each other;
/// this says who may see the system and the large libraries.
enum Layering {
    static let mayImport: [String: Set<String>] = [
        "ArgumentParser": ["quipud", "quipu-agent", "quipu", "quipu-import"],
        "CPlatform": ["Platform"],
        "CQuestionMemory": ["QuipuStore"],
        "CSimdJSON": ["Intake"],
        "CZstd": ["QuipuStore"],
        "Configuration": ["Settings"],
        "CoreMetrics": ["QuipuMetrics", "client-bench"],
        "Dispatch": ["DaemonCore", "QuipuStore"],
        "Foundation": ["DaemonCore", "Importing", "QuipuStore"],
        "FoundationEssentials": ["DaemonCore", "QuipuStore", "Settings"],
        "GRDB": ["QuipuStore"],
        "GRDBSQLite": ["Importing", "QuipuStore"],
        "Glibc": ["Platform"],
        "Logging": ["DaemonCore", "quipud"],
        "Metrics": ["metrics-example"],
        "NIOCore": ["DaemonCore"],
        "NIOPosix": ["DaemonCore"],
        "QuipuStore": ["DaemonCore"],
        "ServiceLifecycle": ["DaemonCore", "quipud"],
        "SystemPackage": ["Settings"],
    ]
}
