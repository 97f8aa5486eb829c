import Crypto

/// The name of a blob: the SHA-256 of its bytes, 64 lower-case hexadecimal digits as text.
///
/// Source: FIPS 180-4; `sha256sum FILE` prints the same.
package struct BlobID: Hashable, Sendable {
    /// Bytes of an id.
    package static let byteCount = 32

    // Four plain words, the most significant first: a vector would be aligned to 32 bytes, which the
    // frames of async functions are not.
    private let word0: UInt64
    private let word1: UInt64
    private let word2: UInt64
    private let word3: UInt64

    /// An id from its 32 bytes; `nil` if there are more or fewer.
    package init?(bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.byteCount else { return nil }
        func word(_ index: Int) -> UInt64 {
            UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
        }
        word0 = word(0)
        word1 = word(1)
        word2 = word(2)
        word3 = word(3)
    }

    /// An id from its 32 bytes; `nil` if there are more or fewer.
    package init?(bytes: [UInt8]) {
        guard let id = bytes.withUnsafeBytes({ BlobID(bytes: $0) }) else { return nil }
        self = id
    }

    init(_ digest: SHA256.Digest) {
        guard let id = digest.withUnsafeBytes({ BlobID(bytes: $0) }) else {
            preconditionFailure("a SHA-256 has \(Self.byteCount) bytes")
        }
        self = id
    }

    /// The id of the blob with these bytes.
    package static func of(_ bytes: UnsafeRawBufferPointer) -> BlobID {
        var hash = SHA256()
        hash.update(bufferPointer: bytes)
        return BlobID(hash.finalize())
    }

    /// The id of the blob with these bytes.
    package static func of(_ bytes: [UInt8]) -> BlobID {
        bytes.withUnsafeBytes { of($0) }
    }

    /// Its 32 bytes, as they travel.
    package var bytes: [UInt8] {
        words.flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
        }
    }

    private var words: [UInt64] { [word0, word1, word2, word3] }
}

extension BlobID: LosslessStringConvertible {
    /// Reads exactly what `description` writes; `nil` for anything else.
    package init?(_ text: String) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        var high: UInt8?
        for character in text.utf8 {
            let digit: UInt8
            switch character {
            case 0x30...0x39: digit = character - 0x30
            case 0x61...0x66: digit = character - 0x61 + 10
            default: return nil
            }
            guard let first = high else {
                high = digit
                continue
            }
            bytes.append(first << 4 | digit)
            high = nil
        }
        guard high == nil else { return nil }
        self.init(bytes: bytes)
    }

    package var description: String {
        let digits = Array("0123456789abcdef".utf8)
        let words = words
        return String(unsafeUninitializedCapacity: 2 * Self.byteCount) { text in
            for index in 0..<(2 * Self.byteCount) {
                let shift = UInt64(60 - 4 * (index & 15))
                text.initializeElement(at: index, to: digits[Int(words[index >> 4] >> shift & 15)])
            }
            return 2 * Self.byteCount
        }
    }
}

extension BlobID: Comparable {
    package static func < (left: BlobID, right: BlobID) -> Bool {
        (left.word0, left.word1, left.word2, left.word3)
            < (right.word0, right.word1, right.word2, right.word3)
    }
}

/// A blob by its name and its size, which is what a message carries instead of the bytes.
package struct BlobReference: Hashable, Sendable {
    /// What it is called.
    package var id: BlobID
    /// How many bytes it has.
    package var size: Int64

    /// The blob `id` of `size` bytes.
    package init(id: BlobID, size: Int64) {
        self.id = id
        self.size = size
    }
}
