import CFanfoldSystem
@preconcurrency import Glibc

/// Who may change a file: itself, and every folder from which it could be replaced.
///
/// What runs inside the host must be changeable only by root and by the user.  A group counts as
/// the user if it is his own, as Debian and Fedora make one for each user: it has his name, is his
/// first group, and has no other member.  So files that were made under `umask 002` are fine there,
/// and refused where the group is shared.
struct FileOwnership {
    /// A file or a folder above it.
    struct Entry: Hashable {
        var path: String
        var owner: uid_t
        var group: gid_t
        var mode: mode_t
        /// Whether more is allowed than the mode says: an access control list.
        var hasList = false
    }

    /// The user in whose name this process works.
    var user = geteuid()
    /// Whether a group is one user's own.
    var isOwn: (gid_t, uid_t) -> Bool = Self.isOwnGroup

    /// What is wrong with a file, in words and with what mends it; `nil` if nothing is.
    func problem(file: Entry) -> String? {
        problem(file, noun: "it", isSticky: false)
    }

    /// What is wrong with a folder.
    ///
    /// In a sticky folder, such as `/tmp`, only the owner of an entry can replace it; that each
    /// entry on the way belongs to root or the user is looked at in its own turn.
    func problem(folder: Entry) -> String? {
        problem(
            folder, noun: "the folder \(folder.path)", isSticky: folder.mode & S_ISVTX != 0)
    }

    private func problem(_ entry: Entry, noun: String, isSticky: Bool) -> String? {
        guard entry.owner == 0 || entry.owner == user else {
            return "\(noun) belongs to \(Self.userName(entry.owner)), "
                + "wanted root or \(Self.userName(user)); copy it to a folder of your own, or "
                + "chown \(user) \(entry.path)"
        }
        if isSticky { return nil }
        if entry.mode & S_IWOTH != 0 {
            return "\(noun) can be changed by everybody; chmod go-w \(entry.path)"
        }
        guard entry.mode & S_IWGRP != 0 else { return nil }
        if entry.hasList {
            return "\(noun) can be changed by others through its access control list; "
                + "setfacl -b \(entry.path)"
        }
        if isOwn(entry.group, entry.owner) { return nil }
        return "\(noun) can be changed by its group \(Self.groupName(entry.group)); "
            + "chmod g-w \(entry.path), and build with umask 022"
    }

    /// What is wrong with the folders above a file, the innermost first.
    ///
    /// - Parameter path: the real path, without links.
    func problem(foldersAbove path: String) -> String? {
        var folder = path[...]
        while let slash = folder.lastIndex(of: "/") {
            folder = folder[..<slash]
            let name = folder.isEmpty ? "/" : String(folder)
            guard let entry = Entry(path: name) else {
                return "the folder \(name) cannot be examined: \(systemMessage(errno))"
            }
            if let problem = problem(folder: entry) { return problem }
        }
        return nil
    }

    /// Whether `group` is the own group of `user`.
    private static func isOwnGroup(_ group: gid_t, _ user: uid_t) -> Bool {
        guard let account = Account(user), account.group == group,
            let members = Account.members(of: group)
        else { return false }
        return members.name == account.name && members.others.allSatisfy { $0 == account.name }
    }

    private static func userName(_ user: uid_t) -> String {
        Account(user)?.name ?? "user \(user)"
    }

    private static func groupName(_ group: gid_t) -> String {
        Account.members(of: group)?.name ?? "\(group)"
    }
}

extension FileOwnership.Entry {
    /// What the system says of a path; `nil` if it says nothing.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(path: path, status: status, hasList: fanfold_path_has_list(path) != 0)
    }

    /// What the system says of an open file.
    init(path: String, descriptor: Int32, status: stat) {
        self.init(path: path, status: status, hasList: fanfold_file_has_list(descriptor) != 0)
    }

    private init(path: String, status: stat, hasList: Bool) {
        self.init(
            path: path, owner: status.st_uid, group: status.st_gid, mode: status.st_mode,
            hasList: hasList)
    }
}

/// An entry of the table of users.
private struct Account {
    /// Space for the texts of one entry, in bytes; one that needs more counts as unknown.
    private static let bufferBytes = 64 << 10

    let name: String
    let group: gid_t

    init?(_ user: uid_t) {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: Self.bufferBytes)
        guard getpwuid_r(user, &entry, &buffer, buffer.count, &found) == 0, found != nil,
            let name = entry.pw_name
        else { return nil }
        self.name = String(cString: name)
        group = entry.pw_gid
    }

    /// The name of a group and its members beside those whose first group it is.
    static func members(of group: gid_t) -> (name: String, others: [String])? {
        var entry = Glibc.group()
        var found: UnsafeMutablePointer<Glibc.group>?
        var buffer = [CChar](repeating: 0, count: bufferBytes)
        guard getgrgid_r(group, &entry, &buffer, buffer.count, &found) == 0, found != nil,
            let name = entry.gr_name
        else { return nil }
        var others: [String] = []
        while let member = entry.gr_mem?[others.count] { others.append(String(cString: member)) }
        return (String(cString: name), others)
    }
}
