/** dependency-cruiser's settings. The rules are made from the room table in tools/rooms.mjs: change them there. */
import { RULES } from './tools/room-rules.mjs'

export default {
  forbidden: RULES,
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.node.json' },
    detectJSDocImports: false,
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.mjs', '.js'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'browser', 'default', 'types'],
    },
  },
}
