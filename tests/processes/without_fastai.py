"Run a script as it stands, then make sure that neither fastai nor what comes with it was imported."
import runpy
import sys

script = sys.argv.pop(1)
runpy.run_path(script, run_name='__main__')
imported = {'fastai', 'pandas', 'nltk'} & set(sys.modules)
assert not imported, f'{script} imported {sorted(imported)}'
