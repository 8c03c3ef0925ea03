export function demangleMsvc(_name: string): string | null { return null; }
