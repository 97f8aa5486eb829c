import CPluginABI
import Glibc
import Testing

@testable import FanfoldPlugins

/// Descriptors whose every word is chosen at random, within memory that can be read.
struct DescriptorFuzzTests {
    /// How many tables; `FANFOLD_FUZZ=…` is for longer.
    static let rounds = (getenv("FANFOLD_FUZZ").flatMap { Int(String(cString: $0)) } ?? 20_000) / 4

    /// Memory that lives as long as one table, filled with a kind of noise that is often valid.
    private final class Table {
        private var owned: [UnsafeMutableRawPointer] = []
        private var random: SplitMix

        init(seed: UInt64) { random = SplitMix(seed: seed) }

        deinit { for memory in owned { memory.deallocate() } }

        private func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
            let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
            memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
            owned.append(memory)
            return memory
        }

        private func chance(_ percent: UInt64) -> Bool { random.next() % 100 < percent }

        /// A text that ends, or no text.
        private func text(_ usual: String) -> UInt {
            if chance(4) { return 0 }
            var bytes = Array(usual.utf8)
            if chance(10) { bytes += Array("{\"type\":\"object\"}".utf8) }
            for index in bytes.indices where chance(2) {
                bytes[index] = UInt8(truncatingIfNeeded: random.next())
            }
            if chance(5) { bytes = .init(repeating: 0x61, count: Int(random.next() % 400)) }
            let memory = allocate(bytes.count + 1)
            memory.copyMemory(from: bytes, byteCount: bytes.count)
            return UInt(bitPattern: memory)
        }

        private func size(_ usual: Int) -> UInt32 {
            chance(5) ? UInt32(truncatingIfNeeded: random.next()) : UInt32(usual)
        }

        private func component(_ number: Int) -> UInt {
            let size = MemoryLayout<fan_component>.size
            let memory = allocate(size)
            memory.storeBytes(of: self.size(size), as: UInt32.self)
            func put(_ text: UInt, _ offset: Int?) {
                if let offset { memory.storeBytes(of: text, toByteOffset: offset, as: UInt.self) }
            }
            func put(number: UInt32, _ offset: Int?) {
                if let offset {
                    memory.storeBytes(of: number, toByteOffset: offset, as: UInt32.self)
                }
            }
            put(number: UInt32(random.next() % 6), MemoryLayout<fan_component>.offset(of: \.kind))
            put(
                number: UInt32(random.next() % 3),
                MemoryLayout<fan_component>.offset(of: \.needs_minor))
            put(
                number: UInt32(truncatingIfNeeded: random.next()),
                MemoryLayout<fan_component>.offset(of: \.flags))
            put(text("a.component-\(number)"), MemoryLayout<fan_component>.offset(of: \.id))
            put(text("1.0.0"), MemoryLayout<fan_component>.offset(of: \.version))
            put(text("A summary."), MemoryLayout<fan_component>.offset(of: \.summary))
            put(text("A vendor"), MemoryLayout<fan_component>.offset(of: \.vendor))
            put(text("MIT"), MemoryLayout<fan_component>.offset(of: \.license))
            put(text("https://example.com"), MemoryLayout<fan_component>.offset(of: \.url))
            put(
                text("{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}}}"),
                MemoryLayout<fan_component>.offset(of: \.config_schema))
            put(services(), MemoryLayout<fan_component>.offset(of: \.needs_services))
            return UInt(bitPattern: memory)
        }

        private func services() -> UInt {
            if chance(50) { return 0 }
            let count = Int(random.next() % (chance(5) ? 200 : 3))
            let list = allocate((count + 1) * 8)
            for index in 0..<count {
                list.storeBytes(of: text("fanfold.http/1"), toByteOffset: index * 8, as: UInt.self)
            }
            return UInt(bitPattern: list)
        }

        func build() -> UnsafeRawPointer {
            let size = MemoryLayout<fan_plugin>.size
            let memory = allocate(size)
            for word in stride(from: 8, to: size, by: 8) where !chance(2) {
                memory.storeBytes(of: 8, toByteOffset: word, as: UInt.self)
            }
            memory.storeBytes(of: self.size(size), as: UInt32.self)
            let count = Int(random.next() % (chance(3) ? 300 : 4))
            let list = allocate((count + 1) * 8)
            for index in 0..<count {
                list.storeBytes(of: component(index), toByteOffset: index * 8, as: UInt.self)
            }
            if let offset = MemoryLayout<fan_plugin>.offset(of: \.components), !chance(2) {
                memory.storeBytes(
                    of: UInt(bitPattern: list), toByteOffset: offset, as: UInt.self)
            } else if let offset = MemoryLayout<fan_plugin>.offset(of: \.components) {
                memory.storeBytes(of: 0, toByteOffset: offset, as: UInt.self)
            }
            return UnsafeRawPointer(memory)
        }
    }

    @Test func `a descriptor is read or refused in words, whatever its words are`() {
        var read = 0
        var refused = 0
        for seed in 0..<UInt64(Self.rounds) {
            let table = Table(seed: seed)
            let reader = DescriptorReader(path: "/p.so", sha256: "", wellKnownSchemas: [:])
            do throws(PluginLoadError) {
                let contents = try reader.read(table.build())
                read += 1
                #expect(!contents.components.isEmpty)
            } catch {
                refused += 1
                #expect(!error.message.isEmpty)
            }
        }
        // Noise that is always refused, or never, would try nothing.
        #expect(read > Self.rounds / 50, "\(read) read")
        #expect(refused > Self.rounds / 50, "\(refused) refused")
    }
}
