/// Forecasts of the next step of a load by each method, and the states by which their errors are told
/// apart.
package struct LoadOutlook: Hashable, Sendable {
    /// The methods.
    package enum Method: Int, CaseIterable, Sendable {
        /// The linear model; its errors by how much it forecasts.
        case model
        /// The same; its errors by how large they were of late.
        case modelByError
        /// The same; its errors by how the load was beside what is forecast.
        case modelByRise
        /// The mean of the latest steps, each counting for half of the one after it.
        case smoothed
        /// The load as it is.
        case last
    }

    /// A forecast by each method.
    var forecasts: [Double]
    /// The state for each method.
    var states: [Double]
}
