import FanfoldJSON

extension ResourceAmounts {
    var json: JSON {
        [
            "milli_cores": .integer(milliCores), "memory_bytes": .integer(memoryBytes),
            "milli_gpus": .integer(milliGPUs),
        ]
    }
}

extension WorkerDetail {
    var json: JSON {
        var object = JSONObject()
        object["id"] = .integer(Int64(clamping: id))
        object["name"] = .string(name)
        object["status"] = .string(status.rawValue)
        object.set("address", address.map(JSON.string))
        object["version"] = .string(version)
        object["total"] = total.json
        object["free"] = free.json
        object.set("measured", measured?.json)
        object["labels"] = .array(labels.map(JSON.string))
        object.set("processor", processor.map(JSON.string))
        object["gpus"] = .array(gpus.map(\.json))
        object.set("free_disk_bytes", freeDiskBytes.map(JSON.integer))
        object.set("quarantine", quarantine?.json)
        object.set("running", running)
        object.set("queued", queued)
        object.set("joined", joined)
        object.set("heard", heard)
        return .object(object)
    }
}

extension GPUDetail {
    var json: JSON {
        var object = JSONObject()
        object["name"] = .string(name)
        object["uuid"] = .string(uuid)
        object["memory_bytes"] = .integer(memoryBytes)
        object.set("memory_node", memoryNode.map { JSON.integer(Int64($0)) })
        object.set("link_group", linkGroup.map { JSON.integer(Int64($0)) })
        object.set("free_milli", freeMilli.map(JSON.integer))
        object.set("free_memory_bytes", freeMemoryBytes.map(JSON.integer))
        object.set("used_memory_bytes", usedMemoryBytes.map(JSON.integer))
        object.set("busy_percent", busyPercent.map { JSON.integer(Int64($0)) })
        return .object(object)
    }
}

extension ResourceTotals {
    var json: JSON {
        var object = JSONObject()
        object.set("workers", workers)
        object["total"] = total.json
        object["free"] = free.json
        object.set("measured", measured?.json)
        object.set("utilisation", utilisation?.json)
        return .object(object)
    }
}

extension JoinTokenSummary {
    var json: JSON {
        [
            "id": .string(id), "created": .string(created.text),
            "expires": .string(expires.text), "remaining_uses": .integer(Int64(remainingUses)),
            "labels": .array(labels.map(JSON.string)),
        ]
    }
}

extension TokenRecord {
    var json: JSON {
        var object = JSONObject()
        object["id"] = .string(id)
        object["name"] = .string(name)
        object["role"] = .string(role.rawValue)
        object.set("created", created)
        object.set("expires", expires)
        object["is_revoked"] = .bool(isRevoked)
        return .object(object)
    }
}

extension BlobStatus {
    func json(of sha256: String) -> JSON {
        [
            "sha256": .string(sha256), "offset": .integer(offset),
            "is_complete": .bool(isComplete),
        ]
    }
}

extension ControlEvent {
    var json: JSON {
        var object = JSONObject()
        object["number"] = .integer(Int64(clamping: number))
        object.set("time", time)
        object["kind"] = .string(kind)
        object.set("run", run.map { .integer(Int64(clamping: $0)) })
        object.set("worker", worker.map { .integer(Int64(clamping: $0)) })
        object["data"] = data
        return .object(object)
    }
}
