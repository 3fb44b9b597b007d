// What a viewer chose, kept in this browser. Private windows may refuse: then it lasts as long as the page.

export function recall(key: string): string | null {
	try {
		return localStorage.getItem(`railquest.${key}`);
	} catch {
		return null;
	}
}

export function remember(key: string, value: string | null): void {
	try {
		if (value === null) localStorage.removeItem(`railquest.${key}`);
		else localStorage.setItem(`railquest.${key}`, value);
	} catch {
		// nothing to do: see above
	}
}
