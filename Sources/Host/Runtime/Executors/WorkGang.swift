/// The members of a gang, as one of them sees them.
package struct WorkGang: Hashable, Sendable {
    /// The place of this member, from 0.
    package var rank: Int
    /// Where the members run, by rank: names or addresses at which workers reach one another.
    package var hosts: [String]

    /// A place among others.
    package init(rank: Int, hosts: [String]) {
        self.rank = rank
        self.hosts = hosts
    }

    /// What a process is told of it.
    var variables: [(name: String, value: String)] {
        [
            ("FANFOLD_GANG_RANK", String(rank)),
            ("FANFOLD_GANG_SIZE", String(hosts.count)),
            ("FANFOLD_GANG_HOSTS", hosts.joined(separator: ",")),
        ]
    }
}
