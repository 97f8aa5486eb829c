/// What kinds of machines cost by the hour, as it was published on one day.
///
/// It ships with a plugin, is shown with its date, and what the user's settings say goes before it.
public struct PriceTable: Sendable {
    /// When these were the prices, in UTC by RFC 3339.
    public var asOf: String
    /// Where these are the prices: regions of the cloud.
    public var regions: Set<String>
    /// The ISO 4217 code of the currency.
    public var currency: String
    /// The price of an hour by the cloud's name of the kind.
    public var hourly: [String: Double]

    /// A table.
    public init(
        asOf: String, regions: Set<String>, currency: String = "USD", hourly: [String: Double]
    ) {
        self.asOf = asOf
        self.regions = regions
        self.currency = currency
        self.hourly = hourly
    }

    /// The table with the user's own prices in front.
    public func updated(with prices: [String: Double]) -> PriceTable {
        var table = self
        table.hourly.merge(prices) { _, own in own }
        return table
    }
}
