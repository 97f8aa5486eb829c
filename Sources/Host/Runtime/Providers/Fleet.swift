import FanfoldPlugins

/// Who rents workers: a plugin in a process of its own, or what is built into the host.
///
/// Each call may wait, may come from any thread, and is safe to repeat.
package protocol Fleet: AnyObject, Sendable {
    /// Whether workers could be rented.
    func check() throws(PluginFailure) -> [RentalCheck]

    /// All that is for rent, in the provider's order.
    func offerings() throws(PluginFailure) -> [RentableOffering]

    /// Rents workers; the same token again gives the same ones.
    func launch(_ request: RentalRequest) throws(PluginFailure) -> [RentedWorker]

    /// How workers are.
    func describe(_ query: RentedFleet.Query) throws(PluginFailure) -> [RentedWorker]

    /// Ends workers; one that is gone is ended.
    func terminate(_ ids: [String]) throws(PluginFailure)

    /// Ends every call; workers stay.
    func close()
}

extension RentedFleet: Fleet {}

/// Providers that are part of the host: what a plugin in its sandbox could not do.
package enum BuiltInProvider: String, CaseIterable, Sendable {
    /// Processes of this machine.
    case local
    /// A cloud in memory, with a file that remembers it.
    case fake

    /// The provider that `use:` names, with or without `fanfold.` before it.
    package init?(use: String) {
        let short = use.hasPrefix("fanfold.") ? String(use.dropFirst(8)) : use
        self.init(rawValue: short)
    }

    var schemaText: String {
        switch self {
        case .local: LocalConfiguration.schemaText
        case .fake: FakeConfiguration.schemaText
        }
    }
}

extension PluginFailure {
    /// A setting of a provider is wrong.
    static func setting(_ pointer: String, _ message: String) -> PluginFailure {
        PluginFailure(code: 3, reason: "config.\(pointer)", message: message)
    }

    /// There are not enough workers; another offering may have some.
    static func soldOut(_ message: String) -> PluginFailure {
        PluginFailure(code: 8, retry: .elsewhere, reason: "capacity", message: message)
    }

    /// Something does not work now.
    static func unavailable(_ message: String) -> PluginFailure {
        PluginFailure(code: 14, retry: .later, reason: "files", message: message)
    }
}
