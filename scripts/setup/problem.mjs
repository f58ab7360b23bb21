/** Why set-up can stop, by code. `docs/errors.md` has one entry for each. */
export const SETUP_CODES = /** @type {const} */ ({
  TM_SETUP_BUILD: 'The sources do not compile.',
  TM_SETUP_DISK: 'Too little free disk space to install.',
  TM_SETUP_NODE: 'Node.js is too old.',
  TM_SETUP_PACKAGES: 'npm could not install the packages.',
});

/** Something that stops set-up: a code, what is wrong, and what to do about it. */
export class SetupProblem extends Error {
  /**
   * @param {keyof typeof SETUP_CODES} code
   * @param {string} message
   * @param {string} hint
   */
  constructor(code, message, hint) {
    super(message);
    this.name = 'SetupProblem';
    this.code = code;
    this.hint = hint;
  }
}
