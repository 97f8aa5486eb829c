/// Which folder may import what: the arrows of architecture.md as a table.
enum Imports {
    /// The standard library's modules, which any folder but Core may use.
    private static let standard: Set<String> = [
        "Swift", "Synchronization", "Glibc", "_Concurrency",
    ]

    private static let wire: Set<String> = [
        "Crypto", "Logging", "NIOCore", "NIOExtras", "NIOPosix", "NIOSSL", "NIOTLS", "SwiftASN1",
        "SwiftProtobuf", "X509",
    ]

    private static let main: Set<String> = [
        "ArgumentParser", "CFanfoldSystem", "FanfoldAPI", "FanfoldAuthoring", "FanfoldBlobs",
        "FanfoldClient", "FanfoldCluster", "FanfoldCore", "FanfoldJSON", "FanfoldJournal",
        "FanfoldPlugins", "FanfoldPrediction", "FanfoldRuntime", "FanfoldServices",
        "FanfoldSimulation", "FanfoldWire", "Logging",
    ]

    /// The folders below `Sources/` with their modules, most specific first.
    private static let table: [(folder: String, modules: Set<String>)] = [
        ("Sources/PluginABI/Package.swift", ["PackageDescription"]),
        ("Sources/PluginABI/JSON/", []),
        ("Sources/PluginABI/Data/", ["CPluginABI", "FanfoldJSON"]),
        ("Sources/PluginABI/Kit/", ["CPluginABI", "FanfoldJSON"]),
        ("Sources/PluginABI/Clouds/", ["FanfoldJSON", "PluginKit"]),
        ("Sources/PluginABI/Merges/", ["FanfoldData", "FanfoldJSON", "PluginKit"]),
        ("Sources/Host/Blobs/", ["CFanfoldSystem", "Crypto", "Logging"]),
        ("Sources/Host/Core/", ["DequeModule", "HeapModule"]),
        ("Sources/Host/Prediction/", []),
        ("Sources/Host/Simulation/", ["FanfoldCore", "DequeModule", "HeapModule"]),
        (
            "Sources/Host/Plugins/",
            ["CPluginABI", "CFanfoldSystem", "Crypto", "FanfoldData", "FanfoldJSON", "Logging"]
        ),
        (
            "Sources/Host/Runtime/",
            [
                "CPluginABI", "CFanfoldSystem", "CLibYAML", "FanfoldCore", "FanfoldData",
                "FanfoldJSON",
                "FanfoldPlugins", "FanfoldPrediction", "FanfoldSimulation", "DequeModule",
                "Logging",
            ]
        ),
        (
            "Sources/Host/Authoring/",
            [
                "CPluginABI", "CFanfoldSystem", "FanfoldJSON", "FanfoldPlugins",
                "FanfoldRuntime", "Logging",
            ]
        ),
        (
            "Sources/Host/Services/",
            [
                "AsyncHTTPClient", "CFanfoldSystem", "CPluginABI", "Crypto", "CryptoExtras",
                "FanfoldJSON", "FanfoldPlugins", "Logging", "NIOCore", "NIOHTTP1", "NIOPosix",
                "NIOSSL",
            ]
        ),
        ("Sources/Host/Journal/", ["CFanfoldSystem", "FoundationEssentials", "GRDB"]),
        // X509 takes its dates from Foundation, in this one file.
        (
            "Sources/Host/Wire/Identity/Certificates.swift",
            wire.union(["FoundationEssentials"])
        ),
        ("Sources/Host/Wire/", wire),
        (
            "Sources/Host/API/",
            [
                "Crypto", "FanfoldJSON", "FanfoldPlugins", "HTTPTypes", "Hummingbird",
                "HummingbirdCore", "HummingbirdTLS", "Logging", "NIOCore", "NIOHTTP1", "NIOPosix",
                "NIOSSL", "ServiceLifecycle",
            ]
        ),
        (
            "Sources/Host/Client/",
            [
                "AsyncHTTPClient", "Crypto", "FanfoldJSON", "NIOCore", "NIOHTTP1", "NIOPosix",
                "NIOSSL",
            ]
        ),
        (
            "Sources/Host/Cluster/",
            [
                "CFanfoldSystem", "DequeModule", "FanfoldAPI", "FanfoldBlobs", "FanfoldCore",
                "FanfoldJSON", "FanfoldJournal", "FanfoldPlugins", "FanfoldPrediction",
                "FanfoldRuntime", "FanfoldWire", "Logging",
            ]
        ),
        ("Sources/Host/Helper/", ["CFanfoldSystem", "CLibFFI", "FanfoldJSON", "FanfoldPlugins"]),
        ("Sources/Host/Main/Bench/", main.union(["CBenchDirect", "CPluginABI"])),
        ("Sources/Host/Main/", main),
    ]

    /// The modules that a Swift file may import.
    ///
    /// `nil` where anything goes (tests and examples).  A folder of `Sources/` that the table does
    /// not know may import nothing.
    static func allowed(in path: String) -> Set<String>? {
        guard path.hasSuffix(".swift") else { return nil }
        if let row = table.first(where: { path.hasPrefix($0.folder) }) {
            return row.folder == "Sources/Host/Core/" ? row.modules : row.modules.union(standard)
        }
        if path.hasPrefix("Plugins/") { return allowedInPlugin(path) }
        return path.hasPrefix("Sources/") ? [] : nil
    }

    /// Logic sees PluginKit and no C; Entry sees its own Logic and the contract.
    private static func allowedInPlugin(_ path: String) -> Set<String> {
        let parts = path.split(separator: "/")
        let kit: Set<String> = [
            "PluginKit", "PluginClouds", "PluginMerges", "FanfoldJSON",
        ]
        guard parts.count > 3, parts[2] == "Entry" else { return kit.union(standard) }
        return kit.union(standard).union(["CPluginABI", "\(parts[1])Logic"])
    }
}
