/** House rules that can be read off one source file: pure functions from (path, text) to problems. Run over every file by tests/architecture; each rule has a fixture there that breaks it. */
import ts from 'typescript'

export const MAX_FILE_LINES = 300
export const MAX_FUNCTION_LINES = 50
/** Names that say nothing about what is inside, and barrels, which import everything for anything. */
const EMPTY_NAMES = /^(index|utils?|helpers?|common|misc|types)$/
const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*$/
/** Suffixes that may follow a file's name; see CONTRIBUTING.md. */
const SUFFIXES = /(\.(page|worker|node|config|bench|test|long\.test))?\.(ts|tsx|mjs)$/
/** The one file that may touch the console. */
const CONSOLE_HOME = 'src/shared/log.ts'
const IDS_HOME = 'src/wire/ids.ts'
/** Tools whose own interface asks for a default export. */
const DEFAULT_EXPORTS = ['vite.config.ts', '.dependency-cruiser.mjs', 'tools/test-reporter.mjs']

/**
 * @typedef {{ path: string, text: string, source: ts.SourceFile }} File path from the repository's root, with /
 * @typedef {(file: File) => string[]} Rule problems; none = kept
 */

/**
 * All problems of one file, each as `path: problem`.
 * @param {string} path
 * @param {string} text
 * @returns {string[]}
 */
export function checkSource(path, text) {
  const kind = path.endsWith('.tsx') ? ts.ScriptKind.TSX : path.endsWith('.mjs') ? ts.ScriptKind.JS : ts.ScriptKind.TS
  const file = { path, text, source: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, kind) }
  return Object.values(RULES).flatMap((rule) => rule(file).map((problem) => `${path}: ${problem}`))
}

/** @type {Readonly<Record<string, Rule>>} */
export const RULES = {
  name({ path }) {
    const base = path.split('/').pop() ?? ''
    const name = base.replace(/^\./, '').replace(SUFFIXES, '')
    if (EMPTY_NAMES.test(name)) return [`the name "${name}" says nothing: name it after what it does`]
    // A test may say in a second part which implementation it tests: record-store.memory.test.ts
    const parts = path.startsWith('tests/') ? name.split('.') : [name]
    return parts.every((part) => KEBAB.test(part)) ? [] : ['file names are kebab-case']
  },
  docComment: ({ text }) => (/^(#!.*\n)?\/\*\*\s+(\*\s+)?(?!\*\/)\S/.test(text) ? [] : ['line 1 must be a doc comment that says what this file is']),
  fileLength({ text }) {
    const lines = text.replace(/\n$/, '').split('\n').length
    return lines > MAX_FILE_LINES ? [`${lines} lines, more than ${MAX_FILE_LINES}`] : []
  },
  functionLength: ({ source }) => longFunctions(source),
  noDefaultExport({ path, source }) {
    if (DEFAULT_EXPORTS.includes(path)) return []
    const found = source.statements.some((one) => ts.isExportAssignment(one) || hasModifier(one, ts.SyntaxKind.DefaultKeyword))
    return found ? ['default exports let everybody invent another name: export by name'] : []
  },
  noReExport({ source }) {
    const barrels = source.statements.filter((one) => ts.isExportDeclaration(one) && one.moduleSpecifier && !one.isTypeOnly && !one.exportClause)
    return barrels.length > 0 ? ['`export * from` makes a barrel: import from where it is'] : []
  },
  noImportEffects({ path, source }) {
    if (!path.startsWith('src/') || path === 'src/main.ts') return []
    return source.statements
      .filter(ts.isExpressionStatement)
      .map((one) => `line ${lineOf(source, one.getStart())}: something happens at import; only roots may act`)
  },
  noConsole: ({ path, source }) =>
    path === CONSOLE_HOME ? [] : usesOf(source, 'console').map((line) => `line ${line}: console is for ${CONSOLE_HOME} alone`),
  noProtocolIds({ path, source }) {
    if (!path.startsWith('src/') || path === IDS_HOME) return []
    return literals(source)
      .filter(({ text }) => /^\/[a-z0-9-]+(\/[a-z0-9-]+)*\/\d+\.\d+\.\d+$/.test(text))
      .map(({ text, line }) => `line ${line}: protocol id ${text} belongs in ${IDS_HOME}`)
  },
  noExcuses({ path, text }) {
    if (path.startsWith('tools/source-rules') || path.startsWith('tests/architecture/')) return []
    return [...text.matchAll(/\b(TODO|FIXME|XXX)\b|@ts-(ignore|nocheck|expect-error)/g)].map(
      ([found]) => `${found}: do it, or name the gap where people look`,
    )
  },
}

/**
 * Functions whose own lines are too many. Lines of functions inside count for those alone: a closure that makes an object is as long as what it does itself.
 * @param {ts.SourceFile} source
 * @returns {string[]}
 */
function longFunctions(source) {
  /** @type {string[]} */
  const problems = []
  /** @returns {number} lines that `node` takes from the function around it */
  const visit = (/** @type {ts.Node} */ node) => {
    let inner = 0
    ts.forEachChild(node, (child) => {
      inner += visit(child)
    })
    if (!ts.isFunctionLike(node) || !('body' in node) || !node.body) return inner
    const start = lineOf(source, node.getStart())
    const span = lineOf(source, node.getEnd()) - start + 1
    const own = span - inner
    if (own > MAX_FUNCTION_LINES) problems.push(`line ${start}: a function of ${own} lines of its own, more than ${MAX_FUNCTION_LINES}`)
    // Its first and last line stay with the function around it.
    return Math.max(0, span - 2)
  }
  visit(source)
  return problems
}

/**
 * @param {ts.SourceFile} source
 * @param {number} position
 */
function lineOf(source, position) {
  return source.getLineAndCharacterOfPosition(position).line + 1
}

/**
 * @param {ts.Node} node
 * @param {ts.SyntaxKind} kind
 */
function hasModifier(node, kind) {
  return ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some((one) => one.kind === kind)
}

/**
 * Lines on which a global of this name is used (not a property or a label of that name).
 * @param {ts.SourceFile} source
 * @param {string} name
 * @returns {number[]}
 */
function usesOf(source, name) {
  /** @type {number[]} */
  const lines = []
  const visit = (/** @type {ts.Node} */ node) => {
    const { parent } = node
    const isProperty = parent && (ts.isPropertyAccessExpression(parent) || ts.isPropertyAssignment(parent)) && parent.name === node
    if (ts.isIdentifier(node) && node.text === name && !isProperty) lines.push(lineOf(source, node.getStart()))
    ts.forEachChild(node, visit)
  }
  visit(source)
  return lines
}

/**
 * @param {ts.SourceFile} source
 * @returns {{ text: string, line: number }[]}
 */
function literals(source) {
  /** @type {{ text: string, line: number }[]} */
  const found = []
  const visit = (/** @type {ts.Node} */ node) => {
    if (ts.isStringLiteralLike(node)) found.push({ text: node.text, line: lineOf(source, node.getStart()) })
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}
