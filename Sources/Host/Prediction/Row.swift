/// A finished task as an estimator of one quantity sees it.
struct Row: Sendable {
    /// Numbers known before the task began, by the estimator's features; `nil` where not known.
    var inputs: [Double?]
    /// What was measured: above 0.
    var value: Double
    /// How much a wrong request costs: the seconds that the task ran, above 0.
    var weight: Double
    /// What would have been requested without any history: above 0.
    var fallback: Double?
}
