"Everything about the package is said once, in settings.ini; this file only reads it."
from configparser import ConfigParser
from pathlib import Path
from setuptools import setup, find_packages

ini = ConfigParser(delimiters=['=']); ini.read('settings.ini', encoding='utf-8')
cfg = ini['DEFAULT']
extras = {name: packages.split() for name, packages in (line.split('=', 1) for line in cfg['extras'].strip().splitlines())}

setup(name=cfg['lib_name'], version=cfg['version'], description=cfg['description'], license='Apache-2.0',
      author=cfg['author'], author_email=cfg['author_email'], keywords=cfg['keywords'].split(), url=cfg['git_url'],
      long_description=Path('README.md').read_text(encoding='utf-8'), long_description_content_type='text/markdown',
      packages=find_packages(include=['attngan', 'attngan.*']), include_package_data=True, zip_safe=False,
      python_requires='>=' + cfg['min_python'], install_requires=cfg['requirements'].split(),
      extras_require=dict(dev=cfg['dev_requirements'].split(), **extras),
      entry_points=dict(console_scripts=cfg['console_scripts'].split()))
