// A picture in a binary message of the monitor's WebSocket (docs/monitor.md).

export interface Packet {
	place: number; // of its train among those of the monitor
	number: number;
	at_us: number; // of its capture, on the monitor's clock
	trace: string;
	type: string;
	picture: Uint8Array<ArrayBuffer>;
}

const HEAD_BYTES = 40;
const MAGIC = 0x52515031; // "RQP1"
const TYPES = ['application/octet-stream', 'image/jpeg', 'image/webp', 'image/png'];

/** Null where it is none. */
export function readPacket(data: ArrayBuffer): Packet | null {
	if (data.byteLength < HEAD_BYTES) return null;
	const view = new DataView(data);
	const type = TYPES[view.getUint8(4)];
	if (view.getUint32(0) !== MAGIC || type === undefined) return null;
	const trace = new Uint8Array(data, 24, 16);
	return {
		place: view.getUint16(6),
		number: Number(view.getBigUint64(8)),
		at_us: Number(view.getBigInt64(16)),
		trace: [...trace].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
		type,
		picture: new Uint8Array(data, HEAD_BYTES),
	};
}
