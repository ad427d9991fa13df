"""Networks of IP addresses, as people write them and as sockets tell the addresses in them."""

from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network
_MAPPED = IPv6Network("::ffff:0:0/96")


def read_network(raw: str) -> Network:
    """An address or a network; host bits are cut off, IPv4 that is written as IPv6 is IPv4.

    Raises `ValueError` for anything else, and for the network of all addresses: that is nobody in particular.
    """
    network: Network = ip_network(raw, strict=False)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        address = network.network_address.ipv4_mapped
        assert address is not None
        network = IPv4Network((address, network.prefixlen - _MAPPED.prefixlen))
    if network.prefixlen == 0:
        raise ValueError(raw)
    return network


def as_seen(network: Network) -> tuple[str, ...]:
    """The network in every form in which a socket may tell its addresses: one that listens on `::` maps IPv4."""
    if isinstance(network, IPv6Network):
        return (str(network),)
    mapped = IPv6Network((int(_MAPPED.network_address) | int(network.network_address), 96 + network.prefixlen))
    return (str(network), str(mapped))
