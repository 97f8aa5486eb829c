/// What is known of a task before it begins: numbers and words, by name.
///
/// `inputBytes` and `inputItems` are always given where they are known; `batch`, `model`,
/// `precision` and the rest are the user's own.
package struct Features: Hashable, Sendable {
    /// Finite and not below 0.
    package private(set) var numbers: [String: Double]
    /// Names of models, precisions and the like.
    package private(set) var words: [String: String]

    /// Fanfold's own name for the bytes of the input.
    package static let inputBytes = "inputBytes"
    /// Fanfold's own name for the items of the input.
    package static let inputItems = "inputItems"

    /// Numbers that are no numbers, or below 0, are left out: they are not known.
    package init(numbers: [String: Double] = [:], words: [String: String] = [:]) {
        self.numbers = numbers.filter { $0.value.isFinite && $0.value >= 0 }
        self.words = words
    }

    /// The words as one, by name; empty without words.
    var group: String {
        guard !words.isEmpty else { return "" }
        return words.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            .joined(separator: ";")
    }
}

/// What is estimated.
package enum Quantity: String, Hashable, Sendable, CaseIterable {
    /// Seconds.
    case runtime
    /// Cores, on average over the attempt.
    case cpu
    /// Bytes at the peak.
    case memory
    /// Bytes at the peak, of one device.
    case gpuMemory

    /// Memory that does not suffice fails the attempt; for the others the middle, or the ninth of
    /// ten, is what a reader wants.
    var objective: Objective {
        switch self {
        case .memory, .gpuMemory: .waste
        case .runtime: .quantile(0.5)
        case .cpu: .quantile(0.9)
        }
    }
}

/// A number for each quantity where there is one: nothing missing is recorded as 0.
package struct Quantities: Hashable, Sendable {
    private var values: [Double?] = [nil, nil, nil, nil]

    /// Nothing is known.
    package init() {}

    /// Values that are not above 0, or no numbers, are taken as missing.
    package init(
        runtime: Double? = nil, cpu: Double? = nil, memory: Double? = nil,
        gpuMemory: Double? = nil
    ) {
        self[.runtime] = runtime
        self[.cpu] = cpu
        self[.memory] = memory
        self[.gpuMemory] = gpuMemory
    }

    /// The number, or `nil`; what is not above 0 is stored as missing.
    package subscript(quantity: Quantity) -> Double? {
        get { values[quantity.index] }
        set {
            let isKnown = newValue.map { $0.isFinite && $0 > 0 } ?? false
            values[quantity.index] = isKnown ? newValue : nil
        }
    }
}

extension Quantity {
    var index: Int {
        switch self {
        case .runtime: 0
        case .cpu: 1
        case .memory: 2
        case .gpuMemory: 3
        }
    }
}
