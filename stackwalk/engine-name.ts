/** The engine's name and version, as reports carry it. The number grows when the same dump and symbols give another report. By itself, so that who only names the engine need not load it. */
export const engineName = "deadair 1";
