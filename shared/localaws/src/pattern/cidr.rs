//! Blocks of IP addresses.

use std::net::IpAddr;

/// Addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cidr {
    network: IpAddr,
    length: u32,
}

impl Cidr {
    /// Reads `10.0.0.0/24` or `2001:db8::/32`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (network, length) = text.split_once('/')?;
        let network: IpAddr = network.parse().ok()?;
        let (_, bits) = bits(network);
        let length = length.parse().ok().filter(|length| *length <= bits)?;
        Some(Self { network, length })
    }

    /// Whether `address` is an address in the block.
    pub(super) fn contains(&self, address: &str) -> bool {
        let Ok(address) = address.parse() else { return false };
        let ((network, width), (address, other)) = (bits(self.network), bits(address));
        let differing = (network ^ address).checked_shr(width - self.length);
        width == other && differing.unwrap_or_default() == 0
    }
}

/// An address as a number, and how many bits it has.
fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}
