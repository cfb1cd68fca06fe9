"Everything about the package is said once, in settings.ini; this file only reads it."
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

PYTHONS = ('3.10', '3.11', '3.12', '3.13')

ini = ConfigParser(delimiters=['='])
ini.read('settings.ini', encoding='utf-8')
cfg = ini['DEFAULT']

extras = {'dev': cfg['dev_requirements'].split()}
for line in cfg['extras'].strip().splitlines():
    name, packages = line.split('=', 1)
    extras[name.strip()] = packages.split()

setup(
    name=cfg['lib_name'],
    version=cfg['version'],
    description=cfg['description'],
    license='Apache-2.0',
    author=cfg['author'],
    author_email=cfg['author_email'],
    keywords=cfg['keywords'].split(),
    url=cfg['git_url'],
    project_urls={
        'Documentation': cfg['doc_host'] + cfg['doc_baseurl'],
        'Source': cfg['git_url'],
        'Changes': cfg['git_url'] + '/blob/main/CHANGELOG.md',
        'Issues': cfg['git_url'] + '/issues',
    },
    classifiers=[
        'Development Status :: 4 - Beta',
        'Intended Audience :: Developers',
        'Intended Audience :: Education',
        'Intended Audience :: Science/Research',
        'Operating System :: OS Independent',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
        *(f'Programming Language :: Python :: {v}' for v in PYTHONS),
    ],
    long_description=Path('README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    packages=find_packages(include=['attngan', 'attngan.*']),
    include_package_data=True,
    zip_safe=False,
    python_requires='>=' + cfg['min_python'],
    install_requires=cfg['requirements'].split(),
    extras_require=extras,
    entry_points=dict(console_scripts=cfg['console_scripts'].split()),
)
