/**
 * The routing socket (route(4)): messages, flags, and which addresses follow a message.
 *
 * struct rt_msghdr, 120 bytes: length 0 and version 2, type 3, interface index 4 (16 bits), flags 8, addresses 12, pid 16, seq 20, errno 24,
 * use 28, inits 32, then eight metrics of 64 bits at 40 (locks, mtu, hopcount, recvpipe, sendpipe, ssthresh, rtt, rttvar), expire 104, pksent 112.
 * Sockaddrs follow in the order of the RTA bits, each padded to 8 bytes. Numbers are little-endian.
 */

export const RTM_VERSION = 4;
export const RTM_ADD = 0x01;
export const RTM_DELETE = 0x02;
export const RTM_CHANGE = 0x03;
export const RTM_GET = 0x04;
export const RTM_LOSING = 0x05;
export const RTM_REDIRECT = 0x06;
export const RTM_MISS = 0x07;
export const RTM_LOCK = 0x08;
export const RTM_IFANNOUNCE = 0x10;
export const RTM_IFINFO = 0x14;
export const RTM_NEWADDR = 0x16;
export const RTM_DELADDR = 0x17;
export const RTM_CHGADDR = 0x18;

export const RTF_UP = 0x0_0001;
export const RTF_GATEWAY = 0x0_0002;
export const RTF_HOST = 0x0_0004;
export const RTF_REJECT = 0x0_0008;
/** Made by a redirect. */
export const RTF_DYNAMIC = 0x0_0010;
export const RTF_MODIFIED = 0x0_0020;
export const RTF_DONE = 0x0_0040;
export const RTF_CONNECTED = 0x0_0100;
export const RTF_LLDATA = 0x0_0400;
export const RTF_STATIC = 0x0_0800;
export const RTF_BLACKHOLE = 0x0_1000;
export const RTF_CLONED = 0x0_2000;
export const RTF_PROTO2 = 0x0_4000;
export const RTF_PROTO1 = 0x0_8000;
export const RTF_SRC = 0x1_0000;
/** Proxy: the link address of another is announced as ours. */
export const RTF_ANNOUNCE = 0x2_0000;
export const RTF_LOCAL = 0x4_0000;
export const RTF_BROADCAST = 0x8_0000;

export const RTA_DST = 0x001;
export const RTA_GATEWAY = 0x002;
export const RTA_NETMASK = 0x004;
export const RTA_GENMASK = 0x008;
export const RTA_IFP = 0x010;
export const RTA_IFA = 0x020;
export const RTA_AUTHOR = 0x040;
export const RTA_BRD = 0x080;
export const RTA_TAG = 0x100;

export const RTV_MTU = 0x01;
export const RTV_HOPCOUNT = 0x02;
export const RTV_EXPIRE = 0x04;
export const RTV_RPIPE = 0x08;
export const RTV_SPIPE = 0x10;
export const RTV_SSTHRESH = 0x20;
export const RTV_RTT = 0x40;
export const RTV_RTTVAR = 0x80;

export const RT_MSGHDR_LEN = 120;
/** struct if_msghdr: length, version, type, addresses 4, flags 8, index 12, struct if_data 16. */
export const IF_MSGHDR_LEN = 152;
/** struct ifa_msghdr: length, version, type, index 4, flags 8, addresses 12, pid 16, address flags 20, metric 24. */
export const IFA_MSGHDR_LEN = 32;
/** struct if_announcemsghdr: length, version, type, index 4, name 6[16], what 22. */
export const IF_ANNOUNCEMSGHDR_LEN = 24;
export const IFAN_ARRIVAL = 0;
export const IFAN_DEPARTURE = 1;

/** The tables that sysctl net.route dumps: [4, 17, 0, family, what, argument]. */
export const NET_RT_DUMP = 1;
export const NET_RT_FLAGS = 2;
export const NET_RT_IFLIST = 6;
