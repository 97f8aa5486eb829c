/// The contract that this host speaks.
package enum HostABI {
    /// The number in the entry symbol: `fanfold_plugin_v1`.
    package static let major = 1
    /// The newest additions this host knows; a component that needs more is refused.
    package static let minor = 0
    /// The one symbol a plugin exports.
    package static let entrySymbol = "fanfold_plugin_v1"
    /// What the entry symbols of all majors begin with.
    static let entryPrefix = "fanfold_plugin_v"
    /// Ids of the services that `fan_host.service` may answer.
    package static let services = [
        ServiceTables.laneID, ServiceTables.httpID, ServiceTables.storeID,
        ServiceTables.metricsID, ServiceTables.blobID,
    ]
    /// Size of a plugin's file, in bytes.
    package static let maximumFileBytes = 256 << 20
    /// How many entries of one directory of the search path are looked at.
    package static let maximumDirectoryEntries = 10_000
    /// How many services one component may name.
    static let maximumServices = 64
}
