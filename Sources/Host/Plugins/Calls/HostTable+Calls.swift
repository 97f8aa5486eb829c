import CPluginABI
import FanfoldJSON
import Logging

/// What a plugin says of its asynchronous calls.
extension HostTable {
    func emit(
        _ op: fan_op, _ json: fan_view, _ parts: UnsafeMutablePointer<fan_blob>?, _ count: UInt32
    ) -> fan_code {
        guard let calls else {
            misuse("emit", op)
            return fan_code(FAN_PRECONDITION)
        }
        guard let document = document(json), count <= UInt32(FAN_MAX_PARTS) else {
            return fan_code(FAN_RANGE)
        }
        guard calls.book.contains(op) else {
            misuse("emit", op)
            return fan_code(FAN_PRECONDITION)
        }
        // Only what is answered with FAN_OK is handed over.
        guard !calls.book.isCancelled(op) else { return fan_code(FAN_CANCELLED) }
        _ = calls.book.progress(
            op, PluginAnswer(document: document, parts: receive(parts, count)))
        return fan_code(FAN_OK)
    }

    func complete(
        _ op: fan_op, _ error: UnsafePointer<fan_error>?, _ json: fan_view,
        _ parts: UnsafeMutablePointer<fan_blob>?, _ count: UInt32
    ) {
        // The call is void, so the parts are ours now, whatever becomes of them.
        let received = count <= UInt32(FAN_MAX_PARTS) ? receive(parts, count) : []
        guard let calls else { return misuse("complete", op) }
        if let error, error.pointee.code != FAN_OK {
            calls.book.end(op, .failure(PluginFailure(code: error.pointee.code, error: error)))
            return
        }
        guard let document = document(json), count <= UInt32(FAN_MAX_PARTS) else {
            calls.book.end(
                op,
                .failure(
                    PluginInstance.broken(
                        "host->complete with a document of \(json.size) bytes and \(count) parts")))
            return
        }
        calls.book.end(op, .success(PluginAnswer(document: document, parts: received)))
    }

    func isCancelled(_ op: fan_op) -> Bool {
        guard let calls else {
            misuse("cancelled", op)
            return true
        }
        return calls.book.isCancelled(op)
    }

    /// Takes a figure, if its name and labels can be read.
    func figure(
        _ name: UnsafePointer<CChar>, _ labels: fan_view,
        _ take: (any MetricsService, String, JSON) -> Void
    ) {
        guard let metrics, case .text(let name) = BoundedText(name, limit: Int(FAN_MAX_NAME_BYTES)),
            let document = document(labels)
        else { return }
        let json = document.isEmpty ? [:] : (try? JSON(parsing: document)) ?? [:]
        take(metrics, name, json)
    }

    private func document(_ view: fan_view) -> [UInt8]? {
        guard view.size <= UInt64(FAN_MAX_SPEC_BYTES), view.size == 0 || view.data != nil else {
            return nil
        }
        return Array(view.bytes)
    }

    private func receive(
        _ parts: UnsafeMutablePointer<fan_blob>?, _ count: UInt32
    ) -> [ReceivedBlob] {
        guard let parts else { return [] }
        return (0..<Int(count)).map { HostBlob.receive(&parts[$0]) }
    }
}
