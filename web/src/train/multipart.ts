/*
 * Cuts multipart/x-mixed-replace into its parts, by their Content-Length, which the monitor always says: so a part is whole
 * with its last byte, and bytes of a picture that look like a boundary are a picture.
 */

export interface Part {
	headers: Map<string, string>; // names in small letters
	body: Uint8Array<ArrayBuffer>;
}

const MAX_HEAD_BYTES = 4_096;
const MAX_BODY_BYTES = 64 * 1024 * 1024;
const HEAD_END = [13, 10, 13, 10];

export class PartCutter {
	private chunks: Uint8Array[] = [];
	private size = 0;
	private headers: Map<string, string> | null = null; // of the part whose body is coming
	private length = 0; // of that body

	/** The parts that are whole with these bytes. Throws where this is no such stream. */
	push(bytes: Uint8Array): Part[] {
		this.chunks.push(bytes);
		this.size += bytes.length;
		const found: Part[] = [];
		for (;;) {
			if (!this.headers && !this.readHead()) return found;
			if (!this.headers || this.size < this.length) return found;
			const all = this.together();
			found.push({ headers: this.headers, body: all.slice(0, this.length) });
			this.keep(all.subarray(this.length));
			this.headers = null;
		}
	}

	private readHead(): boolean {
		const all = this.together();
		const end = all.findIndex((_, i) => HEAD_END.every((byte, k) => all[i + k] === byte));
		if (end < 0 ? all.length > MAX_HEAD_BYTES : end > MAX_HEAD_BYTES) throw new Error('a head without an end');
		if (end < 0) return false;
		const headers = new Map<string, string>();
		for (const line of new TextDecoder().decode(all.subarray(0, end)).split('\r\n')) {
			const colon = line.indexOf(':');
			if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
		}
		const length = headers.get('content-length') ?? '';
		if (!/^\d{1,9}$/.test(length) || Number(length) > MAX_BODY_BYTES) throw new Error('a part without a length');
		this.length = Number(length);
		this.headers = headers;
		this.keep(all.subarray(end + HEAD_END.length));
		return true;
	}

	private together(): Uint8Array {
		if (this.chunks.length === 1) return this.chunks[0] as Uint8Array;
		const all = new Uint8Array(this.size);
		let at = 0;
		for (const chunk of this.chunks) {
			all.set(chunk, at);
			at += chunk.length;
		}
		this.chunks = [all];
		return all;
	}

	private keep(rest: Uint8Array): void {
		this.chunks = rest.length > 0 ? [rest] : [];
		this.size = rest.length;
	}
}
