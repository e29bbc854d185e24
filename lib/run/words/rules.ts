/** What a person wants done to the texts of a run. */
export interface WordRules {
  /** Before each text, and behind it, as they stand. */
  prefix?: string;
  suffix?: string;
  /** First of all, once: where the text has it already, it moves there. */
  trigger?: string;
  /** Left out: terms, compared without regard to case, also as whole words within a part; patterns, each tried on whole parts. */
  exclude?: readonly (string | RegExp)[];
  /** Replaced by the second: a term as above, or a pattern, whose replacement may have $1. */
  replace?: readonly (readonly [string | RegExp, string])[];
  /** Tokens at most, start and end not counted: 75 fill CLIP's context. Parts go from the end. */
  maxTokens?: number;
  /** The text is built of it: see TEMPLATE_VARIABLES. */
  template?: string;
  lower?: boolean;
  /** Blanks within parts become `_`, as in tags of picture boards. */
  underscores?: boolean;
  /** Parts that come twice stay. Without it the first of equal ones stays, compared without regard to case. */
  keepDuplicates?: boolean;
}
