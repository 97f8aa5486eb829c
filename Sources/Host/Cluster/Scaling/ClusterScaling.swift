import FanfoldRuntime

/// What a coordinator needs to know to rent workers.
package struct ClusterScaling: Sendable {
    /// A provider that is running.
    package struct Provider: Sendable {
        /// Its name in the settings.
        package var name: String
        /// Who rents.
        package var fleet: any Fleet
        /// Whether its workers are processes of this machine.
        package var isLocal: Bool

        /// A provider.
        package init(name: String, fleet: any Fleet, isLocal: Bool) {
            self.name = name
            self.fleet = fleet
            self.isLocal = isLocal
        }
    }

    /// The pools.
    package var pools: [PoolDeclaration]
    /// The numbers.
    package var declaration: ScalingDeclaration
    /// Those that the pools name.
    package var providers: [Provider]
    /// The share of its memory that a worker offers unless it is told otherwise.
    package var memoryShare: Double

    /// What is rented, how, and of whom.
    package init(
        pools: [PoolDeclaration], declaration: ScalingDeclaration, providers: [Provider],
        memoryShare: Double
    ) {
        self.pools = pools
        self.declaration = declaration
        self.providers = providers
        self.memoryShare = memoryShare
    }

    /// Time between two questions what a provider has for rent, in nanoseconds.
    static let offeringsNanoseconds: UInt64 = 600_000_000_000
    /// Time for which lists of workers are waited for before it is decided without them.
    static let listNanoseconds: UInt64 = 30_000_000_000
    /// Time after which a provider that refused for good is asked again.
    static let refusedNanoseconds: UInt64 = 300_000_000_000
    /// Time after which a provider that did not answer is asked to launch again.
    static let silentNanoseconds: UInt64 = 60_000_000_000
    /// Tries of a launch without an answer before other offerings are looked at.
    static let launchTries = 5
    /// Offerings that a pool looks at, those with the cheapest core first.
    static let offeringsPerPool = 256
    /// Time between two records of what has been spent, in nanoseconds.
    static let recordNanoseconds: UInt64 = 60_000_000_000
    /// Characters of the name of a currency that are kept.
    static let currencyCharacters = 16
    /// How long a join token of a launch is good, in seconds.
    static let tokenSeconds: Int64 = 900
}
