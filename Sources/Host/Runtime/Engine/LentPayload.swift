import CPluginABI
import FanfoldJSON
import FanfoldPlugins

/// The result of a subtask as a strategy gets it: the bytes stay where they are.
///
/// A strategy that keeps the blob keeps this object; when it comes back in an output or in the
/// parts of a subtask, it is recognised and nothing is copied.
package final class LentPayload: Sendable {
    /// The bytes.
    package let slice: PayloadSlice
    /// How they are cut.
    package let format: DataFormat

    /// A result of these bytes.
    package init(_ slice: PayloadSlice, format: DataFormat) {
        self.slice = slice
        self.format = format
    }

    /// The payload as a blob of the contract, lent until the strategy releases it.
    func lend() -> fan_blob {
        slice.withBytes { bytes in
            HostBlob.lend(self, bytes: bytes, handle: Self.mark(of: format))
        }
    }

    /// The handle of a lent blob says how its bytes are cut, so that a part of it that comes back
    /// in a blob of the plugin's own still says so.
    static func mark(of format: DataFormat) -> Int64 {
        Int64((DataFormat.allCases.firstIndex(of: format) ?? 0) + 1)
    }

    /// The format that a handle says; JSON, which shapes are written in, if it says none.
    static func format(mark: Int64) -> DataFormat {
        // A plugin may write any number here.
        guard (1...Int64(DataFormat.allCases.count)).contains(mark) else { return .json }
        return DataFormat.allCases[Int(mark) - 1]
    }

    /// A part of the bytes; the range was checked when the blob was received.
    func part(offset: Int, count: Int) -> PayloadSlice {
        let start = slice.range.lowerBound + offset
        return PayloadSlice(payload: slice.payload, range: start..<(start + count))
    }
}

/// The successful end of a subtask, on its way to the strategy.
package struct SubtaskOutcome: Sendable {
    /// Which subtask, in the order in which the strategy put them.
    package var index: UInt32
    /// The name of the worker that ran it.
    package var worker: String
    /// The epoch of the attempt.
    package var attempt: UInt16
    /// The result.
    package var payload: LentPayload
    /// Its items.
    package var items: Int
    /// Wall time, in nanoseconds.
    package var ranNanoseconds: UInt64
    /// Bytes the attempt was given.
    package var bytesIn: Int64
    /// Bytes of the result.
    package var bytesOut: Int64

    /// The end of a subtask.
    package init(
        index: UInt32, worker: String, attempt: UInt16, payload: LentPayload, items: Int,
        ranNanoseconds: UInt64, bytesIn: Int64, bytesOut: Int64
    ) {
        self.index = index
        self.worker = worker
        self.attempt = attempt
        self.payload = payload
        self.items = items
        self.ranNanoseconds = ranNanoseconds
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
    }

    /// Appends what `on_result` is told, as JSON.
    func write(to buffer: inout [UInt8]) {
        func number(_ name: StaticString, _ value: some BinaryInteger & LosslessStringConvertible) {
            buffer.append(
                contentsOf: UnsafeBufferPointer(
                    start: name.utf8Start, count: name.utf8CodeUnitCount))
            appendDecimal(UInt64(clamping: value), to: &buffer)
        }
        buffer.append(contentsOf: "{\"worker\":".utf8)
        JSON.string(worker).write(to: &buffer)
        number(",\"attempt\":", attempt)
        number(",\"ran_ns\":", ranNanoseconds)
        number(",\"bytes_in\":", bytesIn)
        number(",\"bytes_out\":", bytesOut)
        number(",\"items\":", items)
        buffer.append(UInt8(ascii: "}"))
    }

    /// Decimal digits without the string that `String(_:)` would allocate for each number.
    private func appendDecimal(_ value: UInt64, to buffer: inout [UInt8]) {
        guard value >= 10 else {
            buffer.append(UInt8(ascii: "0") + UInt8(value))
            return
        }
        let start = buffer.count
        var rest = value
        while rest > 0 {
            buffer.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        }
        buffer[start...].reverse()
    }
}
