/** Of the command line tool; the daemon tells its own. */
export const CLI_VERSION = "0.1.0";
export const CLI_API_VERSION = "1.51";
